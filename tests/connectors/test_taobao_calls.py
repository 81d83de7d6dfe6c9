"""Taobao's error codes, shipments told once, and the renewal of the token."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from domain.errors import Broken, OmsError, RateLimited, Refused, TokenRejected, Unavailable
from domain.fulfillment import ShipmentNotice, ShippedLine
from domain.shops import Token
from tests.connectors.taobao_answers import OID, TID, asked, error, says, taobao
from tests.connectors.worlds import NOW, TAOBAO, Stranger

BAN = "This ban will last for {} more seconds"

ERRORS: list[tuple[httpx.Response | Exception, type[OmsError], float | None, str]] = [
    (error(7, "accesscontrol.limited-by-api-access-count", BAN.format(1)), RateLimited, 1.0, "limited-by-api"),
    (error(7, "accesscontrol.limited-by-app-access-count", BAN.format(31_062)), RateLimited, 31_062.0, "read"),
    (error("7", "accesscontrol.limited-by-dynamic-access-count", BAN.format(999_999)), RateLimited, 86_400.0, ""),
    (error(7, msg="App Call Limited"), RateLimited, None, "App Call Limited (7)"),
    (error(8), RateLimited, None, "(8)"),
    (error(15, "accesscontrol.limited-by-app-api-access-count", BAN.format(2)), RateLimited, 2.0, ""),
    (error(27, "invalid-sessionkey", msg="Invalid session"), TokenRejected, None, "Invalid session (27"),
    (error(27), TokenRejected, None, ""),
    (error(53, "session-expired"), TokenRejected, None, ""),
    (error(25, msg="Invalid signature"), Broken, None, "Invalid signature (25)"),
    (error(29, "isv.appkey-not-exists", msg="Invalid app Key"), Broken, None, "isv.appkey-not-exists"),
    *((error(code), Broken, None, f"({code})") for code in (21, 22, 23, 24, 26, 28, 30, 31, 32, 33, 34)),
    (error(40, "isv.missing-parameter:tid"), Broken, None, "isv.missing-parameter:tid"),
    (error(41, "isv.invalid-parameter:tid"), Broken, None, "isv.invalid-parameter:tid"),
    (error(10, msg="Service Currently Unavailable"), Unavailable, None, "Service Currently Unavailable"),
    (error(15), Unavailable, None, "(15)"),
    (error(15, "isp.top-remote-connection-timeout"), Unavailable, None, "isp.top-remote-connection-timeout"),
    (error(900, "isp.unknown-error"), Unavailable, None, ""),
    (error(15, "isv.logistics-online-service-error:B150", "发货异常，请稍等后重试"), Unavailable, None, "稍等"),
    (error(15, "isv.trade-not-exist", "交易不存在"), Refused, None, "refused (isv.trade-not-exist): 交易不存在"),
    (error(11, "isv.permission-api-package-limit"), Refused, None, "isv.permission-api-package-limit"),
    (error(11, msg="Insufficient ISV Permissions"), Refused, None, "(11): Insufficient ISV Permissions"),
    (error(99, "something.new", "新错误"), Broken, None, "新错误 (99 something.new)"),
    (error("", msg=""), Broken, None, "no reason given (no code)"),
    (httpx.Response(429, headers={"retry-after": "5"}), RateLimited, 5.0, "HTTP 429"),
    (httpx.Response(502, text="<html>"), Unavailable, None, "HTTP 502"),
    (httpx.ReadTimeout("x"), Unavailable, None, "in time"),
    (httpx.Response(403, text="<html>"), Broken, None, "HTTP 403"),
    (httpx.Response(404, json={"trade_fullinfo_get_response": {}}), Broken, None, "HTTP 404"),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "wanted", "wait", "words"), ERRORS)
async def test_every_error_has_its_word(
    answer: httpx.Response | Exception, wanted: type[OmsError], wait: float | None, words: str
) -> None:
    with pytest.raises(wanted) as caught:
        await taobao(Stranger(answer)).read_order(TID)
    assert type(caught.value) is wanted
    assert words in str(caught.value)
    assert getattr(caught.value, "retry_after_seconds", None) == wait
    assert f"read {TID}" in str(caught.value)


@pytest.mark.parametrize("code", ["isv.invalid", "what.is-this", "isp.busy", "accesscontrol.limited-by-x"])
async def test_an_error_is_told_in_one_short_line_without_a_phone(code: str) -> None:
    answer = error(15, code, f"买家 13812345678 拒收\n{'x' * 500}")
    with pytest.raises(OmsError) as caught:
        await taobao(Stranger(answer)).read_order(TID)
    told = str(caught.value)
    assert "13812345678" not in told
    assert "\n" not in told
    assert "买家 *** 拒收" in told
    assert len(told) < 400


NOTICE = ShipmentNotice(
    order_no=TID,
    carrier="SF",
    waybill_no="SF1380000000012",
    shipped_at=datetime(2026, 11, 22, 14, 10, tzinfo=UTC),
    lines=(ShippedLine(OID, "TEE", 1), ShippedLine("2", "TEE", 1), ShippedLine("2", "TEE", 1)),
    whole=True,
    key="ship:F1:1",
)
SENT = says("logistics_online_send_response", {"shipping": {"is_success": True}})
ALREADY = error(
    15, "isv.logistics-online-service-error:B04", "订单状态不对：该物流订单已经发货或者已关闭，不能重复发货"
)


def waybills(**under: str | None) -> httpx.Response:
    lines = [{"oid": int(no.removeprefix("o")), "invoice_no": waybill} for no, waybill in under.items()]
    return says("trade_fullinfo_get_response", {"trade": {"orders": {"order": lines}}})


async def write_back(*answers: httpx.Response, **changes: Any) -> Stranger:
    stranger = Stranger(*answers)
    await taobao(stranger).write_back(replace(NOTICE, **changes))
    return stranger


async def test_of_a_line_in_several_parcels_only_the_first_is_told() -> None:
    first = NOTICE.lines[0].line_no
    asked_for = asked(await write_back(SENT, whole=False, again=(first,)))
    assert first not in asked_for["sub_tid"].split(",")
    stranger = await write_back(SENT, whole=False, again=tuple(line.line_no for line in NOTICE.lines))
    assert stranger.asked == []


async def test_a_whole_order_is_told_by_its_number() -> None:
    form = asked(await write_back(SENT))
    assert form["method"] == "taobao.logistics.online.send"
    assert (form["tid"], form["company_code"], form["out_sid"]) == (TID, "SF", "SF1380000000012")
    assert not {"is_split", "sub_tid"} & form.keys()


async def test_a_part_names_its_lines_once_each() -> None:
    form = asked(await write_back(SENT, whole=False))
    assert (form["is_split"], form["sub_tid"]) == ("1", f"{OID},2")


async def test_carriers_go_by_our_words_unless_the_shop_says_otherwise() -> None:
    stranger = Stranger(SENT)
    shop = replace(TAOBAO, params={"carriers": " SF = SFEXPRESS , YTO=YTO,"})
    await taobao(stranger, shop).write_back(NOTICE)
    await taobao(stranger, shop).write_back(replace(NOTICE, carrier="ZTO"))
    assert [asked(stranger, index)["company_code"] for index in (0, 1)] == ["SFEXPRESS", "ZTO"]


@pytest.mark.parametrize("carriers", ["SF", "SF=", "=SF", "SF=A;B,x"])
async def test_a_list_of_carriers_that_is_none_is_broken_before_anything_is_told(carriers: str) -> None:
    stranger = Stranger(SENT)
    with pytest.raises(Broken, match="carriers is not OURS=THEIRS"):
        await taobao(stranger, replace(TAOBAO, params={"carriers": carriers})).write_back(NOTICE)
    assert stranger.asked == []


@pytest.mark.parametrize(
    "refusal",
    [
        ALREADY,
        error(15, "isv.logistics-online-service-error:B27"),
        error(15, "isv.logistics-online-service-error:Z9", "订单已发货"),
    ],
)
async def test_a_shipment_told_before_is_a_success(refusal: httpx.Response) -> None:
    ours = waybills(**{f"o{OID}": NOTICE.waybill_no, "o2": NOTICE.waybill_no, "o3": None})
    stranger = await write_back(refusal, ours, whole=False)
    assert (asked(stranger, 1)["method"], asked(stranger, 1)["tid"]) == ("taobao.trade.fullinfo.get", TID)


@pytest.mark.parametrize(
    "lines",
    [
        {f"o{OID}": NOTICE.waybill_no, "o2": "SF-ANOTHER"},
        {f"o{OID}": NOTICE.waybill_no, "o2": None},
        {f"o{OID}": NOTICE.waybill_no},
        {},
    ],
)
async def test_a_refusal_stands_when_the_lines_left_under_another_waybill_or_not_at_all(
    lines: dict[str, str | None],
) -> None:
    with pytest.raises(Refused, match="不能重复发货") as caught:
        await write_back(ALREADY, waybills(**lines))
    assert caught.value.code == "isv.logistics-online-service-error:B04"


async def test_a_notice_without_lines_is_never_taken_for_told() -> None:
    with pytest.raises(Refused):
        await write_back(ALREADY, waybills(o2=NOTICE.waybill_no), lines=())


async def test_another_refusal_is_not_looked_into() -> None:
    stranger = Stranger(error(15, "isv.logistics-online-service-error:P38", "拆单校验未通过"))
    with pytest.raises(Refused, match="拆单校验未通过"):
        await taobao(stranger).write_back(NOTICE)
    assert len(stranger.asked) == 1


async def test_without_an_answer_to_the_question_the_shipment_is_told_again_later() -> None:
    with pytest.raises(Unavailable):
        await write_back(ALREADY, error(10))


@pytest.mark.parametrize("shipping", [{"is_success": False}, {}, {"is_success": "false"}])
async def test_a_shipment_that_did_not_succeed_is_refused(shipping: dict[str, object]) -> None:
    with pytest.raises(Refused, match="refused \\(not-sent\\)"):
        await write_back(says("logistics_online_send_response", {"shipping": shipping}))


async def test_a_send_answer_of_another_shape_is_broken() -> None:
    with pytest.raises(Broken, match="shipping is missing"):
        await write_back(says("logistics_online_send_response", {}))


def renewed(**result: object) -> httpx.Response:
    return says("top_auth_token_refresh_response", {"token_result": json.dumps(result), "request_id": "r1"})


async def test_a_token_is_renewed_without_the_old_one() -> None:
    stranger = Stranger(renewed(access_token="new", refresh_token="next", expires_in="86400", re_expires_in=172_800))
    token = await taobao(stranger).renew()
    assert token == Token("new", "next", NOW + timedelta(days=1), version=4)
    form = asked(stranger)
    assert (form["method"], form["refresh_token"]) == ("taobao.top.auth.token.refresh", "refresh-1")
    assert "session" not in form


async def test_a_renewal_that_names_no_end_or_no_new_refresh_token_keeps_what_it_has() -> None:
    assert await taobao(Stranger(renewed(access_token="new"))).renew() == Token("new", "refresh-1", None, version=4)


@pytest.mark.parametrize("token", [None, Token("session-1")])
async def test_without_a_refresh_token_the_seller_has_to_authorise_again(token: Token | None) -> None:
    stranger = Stranger(renewed(access_token="new"))
    with pytest.raises(Refused, match="have the seller authorise it again"):
        await taobao(stranger, replace(TAOBAO, token=token)).renew()
    assert stranger.asked == []


@pytest.mark.parametrize(
    ("answer", "wanted", "words"),
    [
        (error(27, "invalid-sessionkey"), Refused, "invalid-sessionkey"),
        (error(15, "isv.refresh-token-expired", "refresh-1 已过期"), Refused, "isv.refresh-token-expired"),
        (error(7, "accesscontrol.limited-by-app-access-count", BAN.format(9)), RateLimited, "ban"),
        (says("top_auth_token_refresh_response", {"token_result": "{"}), Broken, "not JSON"),
        (says("top_auth_token_refresh_response", {}), Broken, "token_result is missing"),
        (renewed(refresh_token="secret-2"), Broken, "access_token is missing"),
        (renewed(access_token=""), Broken, "access_token is empty"),
        (renewed(access_token="secret-2", expires_in=-1), Broken, "expires_in is below 0"),
        (renewed(access_token="secret-2", expires_in=10**12), Broken, "expires_in is above"),
    ],
)
async def test_a_renewal_that_fails_says_why_and_shows_no_token(
    answer: httpx.Response, wanted: type[OmsError], words: str
) -> None:
    with pytest.raises(wanted) as caught:
        await taobao(Stranger(answer)).renew()
    assert words in str(caught.value)
    assert not [token for token in ("refresh-1", "session-1", "secret-2") if token in str(caught.value)]
