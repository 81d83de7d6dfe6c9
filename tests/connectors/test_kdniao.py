"""Kdniao: signature, subscriptions, queries, pushes, and what its codes mean."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlencode

import httpx
import pytest

from connectors.couriers.kdniao import STATES, KdniaoCourier, KdniaoInbound, sign
from connectors.inbound import Genuine, Outcome, Push
from domain.errors import Broken, Forged, OmsError, Refused, Unavailable, Unparsable
from domain.observations import ParcelState, ParcelTracked, Trace
from tests.connectors.worlds import KDNIAO, NOW, Stranger, clock, push

VECTOR = '{"OrderCode":"","ShipperCode":"YTO","LogisticCode":"12345678"}'
VECTOR_SIGN = "YTMwZmUxZjFkNDMyM2MxOTVhMGRmMDlhYWVmZWE4ZDM="
KEY = KDNIAO.secrets[0]


def scan(at: str, text: str, action: str = "") -> dict[str, str]:
    return {"AcceptTime": f"2026-11-22 {at}", "AcceptStation": text, "Location": "深圳", "Action": action}


def parcel(state: str = "2", sub: str = "", *traces: dict[str, str], **more: Any) -> dict[str, Any]:
    base = {"EBusinessID": "1237100", "ShipperCode": "SF", "LogisticCode": "SF1", "Success": True}
    return {**base, "State": state, "StateEx": sub, "Traces": list(traces), **more}


def pushed(*parcels: dict[str, Any], key: str = KEY, kind: str = "101", **more: Any) -> Push:
    told = {"EBusinessID": "1237100", "PushTime": "2026-11-22 21:29:30", "Count": str(len(parcels))}
    data = json.dumps({**told, "Data": list(parcels), **more}, ensure_ascii=False)
    return form(data, sign(data, key), kind)


def form(data: str, data_sign: str, kind: str = "101") -> Push:
    return push(urlencode({"RequestData": data, "RequestType": kind, "DataSign": data_sign}).encode())


def read(*parcels: dict[str, Any]) -> Genuine:
    arrived = pushed(*parcels)
    receiver = KdniaoInbound(KDNIAO)
    receiver.verify(arrived)
    return receiver.parse(arrived)


def tracked(*args: Any, **more: Any) -> ParcelTracked:
    (observed,) = read(parcel(*args, **more)).observations
    assert isinstance(observed, ParcelTracked)
    return observed


def bird(stranger: Stranger) -> KdniaoCourier:
    return KdniaoCourier(KDNIAO, stranger.client(), clock)


def says(**fields: Any) -> httpx.Response:
    return httpx.Response(200, json=fields)


def asked(stranger: Stranger) -> tuple[dict[str, str], dict[str, str]]:
    fields = {n: v[0] for n, v in parse_qs(stranger.asked[0].content.decode(), keep_blank_values=True).items()}
    return fields, json.loads(fields["RequestData"])


def test_we_sign_what_the_official_client_signs() -> None:
    assert sign(VECTOR, KEY) == VECTOR_SIGN


def test_a_signature_of_the_official_client_is_accepted() -> None:
    KdniaoInbound(KDNIAO).verify(form(VECTOR, VECTOR_SIGN))  # not a push, but genuine
    with pytest.raises(Unparsable, match="EBusinessID is missing"):
        KdniaoInbound(KDNIAO).parse(form(VECTOR, VECTOR_SIGN))


def test_the_key_before_is_accepted_while_keys_rotate() -> None:
    KdniaoInbound(KDNIAO).verify(pushed(parcel(), key="old-key"))


@pytest.mark.parametrize(
    ("arrived", "reason"),
    [
        (form(VECTOR.replace("8", "9"), VECTOR_SIGN), "DataSign does not fit"),
        (form(VECTOR, VECTOR_SIGN.lower()), "DataSign does not fit"),
        (form(VECTOR, "签"), "DataSign does not fit"),
        (pushed(parcel(), key="other"), "DataSign does not fit"),
        (pushed(parcel(), EBusinessID="999"), "EBusinessID is not the one of this shop"),
        (push(b"\xff=1"), "not a URL-encoded form"),
        (push(b"a=1&" * 30), "not a URL-encoded form"),
        (push(b""), "DataSign does not fit"),
        (push(b"x" * (1024 * 1024 + 1)), "larger than"),
    ],
)
def test_a_push_that_cannot_be_verified_says_why(arrived: Push, reason: str) -> None:
    with pytest.raises(Forged, match=reason):
        KdniaoInbound(KDNIAO).verify(arrived)


def test_a_shop_without_key_believes_nobody() -> None:
    with pytest.raises(Forged):
        KdniaoInbound(replace(KDNIAO, secrets=("",))).verify(pushed(parcel(), key=""))


def test_a_push_with_several_parcels_is_one_message() -> None:
    genuine = read(
        parcel("2", "201", scan("10:00:00", "到达深圳", "201")),
        parcel("3", "301", scan("12:00:00", "已签收", "301"), LogisticCode="YD2", ShipperCode="YD"),
    )
    one, two = genuine.observations
    assert isinstance(one, ParcelTracked)
    assert isinstance(two, ParcelTracked)
    assert (one.carrier, one.waybill_no, one.state, one.raw_state, one.raw_substate) == (
        "SF", "SF1", ParcelState.IN_TRANSIT, "2", "201",
    )  # fmt: skip
    assert one.traces == (Trace(datetime(2026, 11, 22, 2, tzinfo=UTC), "到达深圳", "深圳", "201"),)
    assert (two.carrier, two.waybill_no) == ("YUNDA", "YD2")
    assert two.signed_at == datetime(2026, 11, 22, 4, tzinfo=UTC)
    assert genuine.sent_at == datetime(2026, 11, 22, 13, 29, 30, tzinfo=UTC)
    assert len(genuine.key) == 64


def test_the_key_is_the_content() -> None:
    assert read(parcel("2")).key == read(parcel("2")).key != read(parcel("1")).key


@pytest.mark.parametrize(("code", "state"), STATES.items())
def test_every_documented_code_has_its_state(code: str, state: ParcelState) -> None:
    observed = tracked(code[0], code, scan("10:00:00", "。", code))
    assert (observed.state, observed.raw_substate) == (state, code)
    assert (observed.signed_at is not None) == (state is ParcelState.SIGNED)


@pytest.mark.parametrize(
    ("state", "sub", "action", "wanted"),
    [
        ("2", "299", "", ParcelState.IN_TRANSIT),
        ("4", "499", "", ParcelState.PROBLEM),
        ("9", "999", "", ParcelState.IN_TRANSIT),
        ("", "", "", ParcelState.IN_TRANSIT),
        ("", "211", "", ParcelState.AT_STATION),
        ("2", "", "211", ParcelState.AT_STATION),
        ("4", "", "211", ParcelState.PROBLEM),
    ],
)
def test_an_unknown_code_falls_back_and_is_kept(state: str, sub: str, action: str, wanted: ParcelState) -> None:
    observed = tracked(state, sub, scan("10:00:00", "x", action))
    assert (observed.state, observed.raw_state, observed.raw_substate) == (wanted, state, sub)


def test_numbers_and_nulls_are_taken_for_texts() -> None:
    observed = tracked(3, 301, scan("10:00:00", "签收", "301"), Reason=None, Location=None)
    assert (observed.state, observed.raw_substate) == (ParcelState.SIGNED, "301")
    assert tracked("0", "", Traces=None).state is ParcelState.NO_TRACE


SIGNED_AT_NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("sub", "traces"),
    [
        ("301", [scan("11:00:00", "派件", "202"), scan("12:00:00", "已签收", "301")]),
        ("", [scan("11:00:00", "派件"), scan("12:00:00", "已签收，签收人：他人收 菜鸟驿站")]),
        ("", [scan("11:00:00", "派件"), scan("12:00:00", "在杭州市投递并签收，签收人：他人收 菜鸟驿站")]),
        ("", [scan("11:00:00", "派件"), scan("12:00:00", "投递至快递柜的快件已被取走")]),
        ("301", [scan("12:00:00", "已签收", "301"), scan("13:00:00", "签收底单上传", "301")]),
        ("301", [scan("12:00:00", "已签收", "301"), scan("13:00:00", "感谢使用", "2")]),
        ("311", [scan("11:00:00", "已存放至驿站", "211"), scan("12:00:00", "取件", "311")]),
        ("304", [scan("11:00:00", "投递至快递柜", "3"), scan("12:00:00", "家人签收", "304")]),
    ],
)
def test_signed_at_is_the_scan_that_says_signed(sub: str, traces: list[dict[str, str]]) -> None:
    observed = tracked("3", sub, *traces)
    assert (observed.state, observed.signed_at) == (ParcelState.SIGNED, SIGNED_AT_NOON)


def test_signed_without_any_scan_takes_the_time_of_the_message() -> None:
    assert tracked("3", "301").signed_at == datetime(2026, 11, 22, 13, 29, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "快件已存放至菜鸟驿站，请凭取件码及时领取",
        "已暂存至丰巢快递柜",
        "已投递至小区自提柜，未签收",
        "由驿站代收于菜鸟驿站",
        "已存放至丰巢快递柜，请及时签收",
        "已投递至驿站，请尽快取走",
    ],
)
@pytest.mark.parametrize(("sub", "action"), [("", ""), ("3", "3"), ("301", "301"), ("3", "211")])
def test_a_hand_in_to_a_station_is_not_a_signature(text: str, sub: str, action: str) -> None:
    observed = tracked("3", sub, scan("10:00:00", "派件", "202"), scan("12:00:00", text, action))
    assert (observed.state, observed.signed_at) == (ParcelState.AT_STATION, None)
    assert (observed.raw_state, observed.raw_substate) == ("3", sub)


def test_scans_told_twice_are_one_and_the_oldest_comes_first() -> None:
    newest_first = [
        scan("12:00:00", "派件", "202"),
        scan("10:00:00", "扫描二"),
        scan("10:00:00", "扫描一"),
        scan("10:00:00", "扫描一", "201"),
    ]
    observed = tracked("2", "202", *newest_first)
    assert [(trace.text, trace.raw_code) for trace in observed.traces] == [
        ("扫描一", "201"), ("扫描二", ""), ("派件", "202"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arrived", "words"),
    [
        (pushed(parcel(), kind="107"), "RequestType '107' is none of 101, 102"),
        (pushed(parcel(LogisticCode="")), "Data[0].LogisticCode is missing"),
        (pushed(parcel("2", "", {"AcceptTime": "now"})), "Data[0].Traces[0].AcceptTime: not yyyy"),
        (pushed(parcel("2", "", {})), "Data[0].Traces[0].AcceptTime is missing"),
        (pushed(parcel("2", "", *[scan("10:00:00", "x")] * 501)), "Data[0].Traces has more than 500"),
        (pushed(*[parcel()] * 501), "Data has more than 500"),
        (pushed(Data="x"), "Data is not a list"),
        (form("[" * 100_000, sign("[" * 100_000, KEY)), "not JSON"),
        (form('{"EBusinessID":"\\ud800"}', sign('{"EBusinessID":"\\ud800"}', KEY)), "not JSON"),
    ],
)
def test_a_bad_push_is_refused_with_the_field(arrived: Push, words: str) -> None:
    KdniaoInbound(KDNIAO).verify(arrived)
    with pytest.raises(Unparsable) as caught:
        KdniaoInbound(KDNIAO).parse(arrived)
    assert words in caught.value.reason


def test_what_a_database_cannot_hold_is_dropped() -> None:
    assert tracked("2", "", scan("10:00:00", "a\x00b")).traces[0].text == "ab"


@pytest.mark.parametrize(
    ("outcome", "success"),
    [
        (Outcome.ACCEPTED, True),
        (Outcome.DUPLICATE, True),
        (Outcome.FORGED, False),
        (Outcome.UNPARSABLE, False),
    ],
)
def test_answers_are_in_their_words_and_zone(outcome: Outcome, success: bool) -> None:
    answer = KdniaoInbound(KDNIAO).answer(outcome, "原因", NOW)
    assert json.loads(answer.body) == {
        "EBusinessID": "1237100",
        "UpdateTime": "2026-11-22 21:30:00",
        "Success": success,
        "Reason": "原因",
    }


async def test_a_subscription_carries_our_reference_and_a_signature() -> None:
    stranger = Stranger(says(Success=True))
    await bird(stranger).subscribe("SF", "SF1", "F1:1", "5678")
    fields, data = asked(stranger)
    assert str(stranger.asked[0].url) == "http://bird.example/api/dist"
    assert {n: fields[n] for n in ("EBusinessID", "RequestType", "DataType")} == {
        "EBusinessID": "1237100",
        "RequestType": "1008",
        "DataType": "2",
    }
    assert fields["DataSign"] == sign(fields["RequestData"], KEY)
    assert data == {
        "ShipperCode": "SF",
        "LogisticCode": "SF1",
        "CustomerName": "5678",
        "OrderCode": "F1:1",
        "CallBack": "F1:1",
    }


@pytest.mark.parametrize(("carrier", "code"), [("YTO", "YTO"), ("YUNDA", "YD"), ("POSTB", "YZPY")])
async def test_a_phone_tail_goes_only_where_it_is_needed(carrier: str, code: str) -> None:
    stranger = Stranger(says(Success=True))
    await bird(stranger).subscribe(carrier, "Y1", "F1", "5678")
    data = asked(stranger)[1]
    assert data["ShipperCode"] == code
    assert "CustomerName" not in data


@pytest.mark.parametrize("reason", ["重复订阅", "该单号已订阅"])
async def test_subscribed_already_is_a_success(reason: str) -> None:
    await bird(Stranger(says(Success=False, Reason=reason))).subscribe("SF", "SF1", "F1", "5678")


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (says(Success=False, Reason="没有可用套餐"), Refused, "没有可用套餐 (SF1)"),
        (says(Success=False, Reason="手机尾号5678不符"), Refused, "手机尾号***不符"),
        (says(Success=False), Refused, "no reason given"),
        (says(Success=False, Reason="系统繁忙，请稍后再试"), Unavailable, "系统繁忙"),
        (says(code=1), Broken, "not its format"),
        (httpx.Response(200, text="<html>"), Broken, "not its format"),
        (httpx.Response(200, text="[" * 100_000), Broken, "not its format"),
        (httpx.Response(403, json={"Success": False}), Broken, "HTTP 403"),
        (httpx.Response(503), Unavailable, "HTTP 503"),
        (httpx.ReadTimeout("x"), Unavailable, "in time"),
    ],
)
async def test_every_answer_has_one_of_three_words(
    answer: httpx.Response | Exception, error: type[OmsError], words: str
) -> None:
    with pytest.raises(error) as caught:
        await bird(Stranger(answer)).subscribe("SF", "SF1", "F1", "5678")
    assert words in str(caught.value)


async def test_a_query_gives_the_whole_trace() -> None:
    # Spaces and an unknown field: what is stored is the body as received, not what we read in it (INT-11).
    told = {**parcel("3", "301", scan("12:00:00", "签收", "301")), "Later": None}
    raw_answer = json.dumps(told, indent=2).encode()
    stranger = Stranger(httpx.Response(200, content=raw_answer))
    observed, raw = await bird(stranger).track("SF", "SF1", "5678")
    fields, data = asked(stranger)
    assert str(stranger.asked[0].url) == "http://bird.example/Ebusiness/EbusinessOrderHandle.aspx"
    assert fields["RequestType"] == "1002"
    assert data["CustomerName"] == "5678"
    assert (observed.state, observed.signed_at) == (ParcelState.SIGNED, SIGNED_AT_NOON)
    assert raw == raw_answer


async def test_a_parcel_nobody_has_scanned_has_no_trace() -> None:
    stranger = Stranger(says(Success=False, Reason="暂无轨迹信息", State="0"))
    observed, _ = await bird(stranger).track("YUNDA", "Y1", "")
    assert (observed.carrier, observed.waybill_no, observed.state) == ("YUNDA", "Y1", ParcelState.NO_TRACE)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (parcel(LogisticCode="SF2"), "another parcel than SF1"),
        (parcel("2", "", {"AcceptTime": "?"}), r"answer.Traces\[0\].AcceptTime"),
    ],
)
async def test_an_odd_trace_is_broken(answer: dict[str, Any], words: str) -> None:
    with pytest.raises(Broken, match=words):
        await bird(Stranger(httpx.Response(200, json=answer))).track("SF", "SF1", "5678")
