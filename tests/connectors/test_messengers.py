"""Senders of messages: signatures by the vendors' vectors, formats, limits, every answer (OPS-3)."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from connectors import acs3, registry
from connectors.messages import dingtalk, feishu, wecom
from domain.errors import Broken, OmsError, RateLimited, Refused, Unavailable
from domain.messages import Outgoing
from domain.shops import Role
from tests.connectors.messengers import ACCOUNTS, DINGTALK, FEISHU, MESSAGE, SMS, VOICE, WECOM
from tests.connectors.worlds import NOW, Stranger, clock

LONG = replace(MESSAGE, title="超时" * 300, text="售后单超时" * 3000)
CALLED = replace(MESSAGE, mobiles=("13800138000", "13900139000"))


async def send(vendor: str, stranger: Stranger, message: Outgoing = MESSAGE) -> str:
    return await registry.message_sender(ACCOUNTS[vendor], stranger.client(), clock).send(message)


def says(**told: Any) -> httpx.Response:
    return httpx.Response(200, json=told)


def body(stranger: Stranger) -> Any:
    return json.loads(stranger.asked[-1].content)


def test_the_robots_signatures_are_those_of_the_vectors() -> None:
    made = dingtalk.signature("1573646409281", DINGTALK.secrets[0])
    assert made == "bGgJlp3gdN9rs6wbmTeLaLuTiKwSjd01YfxrVjwIGdg="
    assert feishu.signature("1599360473", FEISHU.secrets[0]) == "sTTLyFDoyeVI0NlIttktCWsVP3otnW3y0vgRFIwypO4="


def test_the_signature_of_aliyun_is_that_of_the_vector() -> None:
    query = {
        "PhoneNumbers": "13800138000",
        "SignName": "阿里云",
        "TemplateCode": "SMS_12345678",
        "TemplateParam": '{"code":"1234 *~"}',
    }
    headers = {
        "host": "dysmsapi.aliyuncs.com",
        "x-acs-version": "2017-05-25",
        "x-acs-action": "SendSms",
        "x-acs-date": "2026-11-22T08:00:00Z",
        "x-acs-signature-nonce": "0f2a1b3c4d5e6f708192a3b4c5d6e7f8",
    }
    signed = acs3.authorization(("testAccessKeyId", "testAccessKeySecret"), query, headers)
    assert signed.endswith("Signature=d0c2110b72b3f249747e72d0cd915c211f8040c0ab0bdcfbf6c1678bf3e1112f")


@pytest.mark.parametrize("vendor", sorted(ACCOUNTS))
def test_every_vendor_of_messages_is_built_from_its_row(vendor: str) -> None:
    assert registry.vendor(vendor).role is Role.MESSAGES
    assert registry.missing(ACCOUNTS[vendor]) == []


async def test_wecom_gets_markdown_and_with_names_a_text() -> None:
    stranger = Stranger(says(errcode=0, errmsg="ok"))
    assert await send("wecom", stranger) == ""
    assert str(stranger.asked[0].url) == "http://wecom.example/cgi-bin/webhook/send?key=wecom-key-1"
    assert body(stranger)["msgtype"] == "markdown"
    assert '<font color="comment">【注意】超时：C1</font>' in body(stranger)["markdown"]["content"]
    await send("wecom", stranger, replace(MESSAGE, mobiles=("13800138000",), users=("li",)))
    text = {
        "content": "【注意】超时：C1\n售后单 C1 已超时",
        "mentioned_list": ["li"],
        "mentioned_mobile_list": ["13800138000"],
    }
    assert body(stranger) == {"msgtype": "text", "text": text}


async def test_dingtalk_gets_a_signed_markdown_that_names_people() -> None:
    stranger = Stranger(says(errcode=0, errmsg="ok"))
    await send("dingtalk", stranger, CALLED)
    query = stranger.asked[0].url.params
    assert stranger.asked[0].url.path == "/robot/send"
    assert query["access_token"] == "token-1"
    assert query["timestamp"] == str(int(NOW.timestamp() * 1000))
    assert query["sign"] == dingtalk.signature(query["timestamp"], DINGTALK.secrets[0])
    assert body(stranger)["at"] == {"atMobiles": ["13800138000", "13900139000"], "isAtAll": False}
    assert body(stranger)["markdown"]["text"].endswith(" @13800138000 @13900139000")


async def test_feishu_gets_a_signed_text() -> None:
    stranger = Stranger(says(code=0, msg="success"))
    await send("feishu", stranger)
    assert str(stranger.asked[0].url) == "http://feishu.example/open-apis/bot/v2/hook/hook-1"
    timestamp = str(int(NOW.timestamp()))
    signed = {"timestamp": timestamp, "sign": feishu.signature(timestamp, FEISHU.secrets[0])}
    assert body(stranger) == signed | {"msg_type": "text", "content": {"text": "【注意】超时：C1\n售后单 C1 已超时"}}


def test_no_message_is_longer_than_its_vendor_takes() -> None:
    named = replace(LONG, mobiles=("13800138000",))
    text, markdown = wecom.written(named)["text"], wecom.written(LONG)["markdown"]
    ding = dingtalk.written(named)["markdown"]
    assert isinstance(text, dict)
    assert isinstance(markdown, dict)
    assert isinstance(ding, dict)
    assert 2000 < len(text["content"].encode()) <= 2048
    assert 4000 < len(markdown["content"].encode()) <= 4096
    assert 4000 < len(ding["text"].encode()) <= 4096
    assert ding["text"].endswith(" @13800138000")


ROBOT_ANSWERS = [
    ("wecom", says(errcode=45009, errmsg="freq out of limit"), RateLimited, "45009.*freq"),
    ("wecom", says(errcode=-1, errmsg="system busy"), Unavailable, "-1"),
    ("wecom", says(errcode=93000, errmsg="invalid webhook url"), Refused, "93000"),
    ("wecom", says(errcode=40058, errmsg="?"), Broken, "40058"),
    ("dingtalk", says(errcode=130101, errmsg="send too fast"), RateLimited, "130101"),
    ("dingtalk", says(errcode=310000, errmsg="sign not match"), Refused, "310000.*sign"),
    ("dingtalk", says(errcode=7, errmsg="?"), Broken, "7"),
    ("feishu", says(code=11232, msg="frequency limited"), RateLimited, "11232"),
    ("feishu", says(code=9499, msg="Bad Request"), Refused, "9499"),
    ("feishu", says(code=19021, msg="sign match fail"), Refused, "19021"),
    ("feishu", says(code=19022, msg="Ip Not Allowed"), Refused, "19022"),
    ("feishu", says(code=19024, msg="Key Words Not Found"), Refused, "19024"),
    ("feishu", says(code=5, msg="?"), Broken, "5"),
]
SMS_ANSWERS = [
    ("aliyun_sms", says(Code="isv.BUSINESS_LIMIT_CONTROL", Message="触发分钟级流控"), RateLimited, "流控"),
    ("aliyun_sms", says(Code="isv.MOBILE_NUMBER_ILLEGAL", Message="13800138000 illegal"), Refused, r"\*\*\* illegal"),
    ("aliyun_sms", httpx.Response(400, json={"Code": "SignatureDoesNotMatch", "Message": "?"}), Broken, "Signature"),
    ("aliyun_voice", says(Code="isv.OUT_OF_SERVICE", Message="停机"), Refused, "停机"),
    ("aliyun_voice", says(Code="Other", Message="?"), Broken, "Other"),
]
Answer = tuple[str, httpx.Response | Exception, type[OmsError], str]
EVERYBODY: list[Answer] = [
    (vendor, answer, error, words)
    for vendor in ("wecom", "dingtalk", "feishu", "aliyun_sms", "aliyun_voice")
    for answer, error, words in (
        (httpx.Response(200, content=b"<html>"), Broken, "not its format"),
        (httpx.Response(200, json=[]), Broken, "not its format"),
        (httpx.Response(200, json={}), Broken, "not its format"),
        (httpx.Response(429), RateLimited, "429"),
        (httpx.Response(502), Unavailable, "502"),
        (httpx.ReadTimeout("slow"), Unavailable, "in time"),
    )
]


@pytest.mark.parametrize(("vendor", "answer", "error", "words"), [*ROBOT_ANSWERS, *SMS_ANSWERS, *EVERYBODY])
async def test_every_answer_is_one_of_three_words_and_never_a_success(
    vendor: str, answer: httpx.Response | Exception, error: type[OmsError], words: str
) -> None:
    with pytest.raises(error, match=words) as caught:
        await send(vendor, Stranger(answer), CALLED)
    assert type(caught.value) is error
    said = str(caught.value)
    assert "ref-1" in said
    assert "13800138000" not in said
    assert ACCOUNTS[vendor].secrets[0] not in said


async def test_an_sms_is_signed_and_says_template_numbers_and_our_id() -> None:
    stranger = Stranger(says(Code="OK", BizId="biz-1"))
    assert await send("aliyun_sms", stranger, replace(CALLED, code="SMS_9")) == "biz-1"
    (request,) = stranger.asked
    assert dict(request.url.params) == {
        "PhoneNumbers": "13800138000,13900139000",
        "SignName": "阿里云",
        "TemplateCode": "SMS_9",
        "TemplateParam": '{"subject":"C1"}',
        "OutId": "ref-1",
    }
    names = ("host", "x-acs-version", "x-acs-action", "x-acs-date", "x-acs-signature-nonce")
    headers = {name: request.headers[name] for name in names}
    assert (headers["x-acs-action"], headers["x-acs-date"]) == ("SendSms", "2026-11-22T13:30:00Z")
    key = (SMS.key_id, SMS.secrets[0])
    assert request.headers["authorization"] == acs3.authorization(key, dict(request.url.params), headers)


def details(*ours: tuple[str, int], total: int = 0) -> httpx.Response:
    found = [{"OutId": out, "SendStatus": status, "ErrCode": "MOBILE_DOWN"} for out, status in ours]
    found += [{"OutId": "other", "SendStatus": 3}] * total
    return says(Code="OK", SmsSendDetailDTOs={"SmsSendDetailDTO": found})


@pytest.mark.parametrize(
    ("answers", "asked", "receipt"),
    [
        ([details(("ref-1", 3))], ["QuerySendDetails"], "asked"),
        ([details(("ref-1", 1), total=49)], ["QuerySendDetails"], "asked"),
        ([details(total=50), details(("ref-1", 3))], ["QuerySendDetails"] * 2, "asked"),
        ([details(), says(Code="OK", BizId="biz-2")], ["QuerySendDetails", "SendSms"], "biz-2"),
    ],
)
async def test_an_sms_of_unknown_outcome_is_asked_for_before_it_is_sent_again(
    answers: list[httpx.Response], asked: list[str], receipt: str
) -> None:
    stranger = Stranger(*answers)
    tried = replace(CALLED, tried_at=datetime(2026, 11, 22, 17, 0, tzinfo=UTC))
    assert await send("aliyun_sms", stranger, tried) == receipt
    assert [request.headers["x-acs-action"] for request in stranger.asked] == asked
    assert stranger.asked[0].url.params["SendDate"] == "20261123"


async def test_an_sms_that_was_not_delivered_is_refused_and_not_sent_again() -> None:
    stranger = Stranger(details(("ref-1", 2)))
    with pytest.raises(Refused, match="MOBILE_DOWN"):
        await send("aliyun_sms", stranger, replace(CALLED, tried_at=NOW))
    assert len(stranger.asked) == 1


async def test_a_call_rings_every_number_by_the_accounts_template() -> None:
    stranger = Stranger(says(Code="OK", CallId="call-1"))
    assert await send("aliyun_voice", stranger, CALLED) == "call-1"
    assert [request.url.params["CalledNumber"] for request in stranger.asked] == ["13800138000", "13900139000"]
    assert stranger.asked[0].url.params["TtsCode"] == "TTS_1"
    assert stranger.asked[0].headers["x-acs-action"] == "SingleCallByTts"


@pytest.mark.parametrize("vendor", ["aliyun_sms", "aliyun_voice", "smtp"])
async def test_a_message_for_nobody_is_refused_with_what_to_do(vendor: str) -> None:
    with pytest.raises(Refused, match=r"nobody to .*give the role"):
        await send(vendor, Stranger(says(Code="OK")))


async def test_an_account_may_name_who_is_reached_when_a_message_names_nobody() -> None:
    stranger = Stranger(says(Code="OK", CallId="c"))
    shop = replace(VOICE, params=VOICE.params | {"mobiles": "13700137000, 13700137001"})
    await registry.message_sender(shop, stranger.client(), clock).send(MESSAGE)
    assert [one.url.params["CalledNumber"] for one in stranger.asked] == ["13700137000", "13700137001"]


def test_a_robot_without_its_token_says_what_is_missing() -> None:
    assert registry.missing(replace(DINGTALK, sealed={}))[0].startswith("access_token: ")
    assert registry.missing(replace(FEISHU, sealed={}))[0].startswith("token: ")
    assert registry.missing(replace(WECOM, secrets=()))[0].startswith("secret: the key of the robot")
