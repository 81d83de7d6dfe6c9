"""What we ask and tell Pinduoduo, and what its codes mean (INT-2, INT-9, INT-11, INT-16, INV-6, AFT-3)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from connectors import registry
from connectors.platforms import pdd_cases
from connectors.platforms.pdd_api import CODES
from domain.after_sales import CaseAction, CaseKind, ChannelAnswer
from domain.errors import Broken, OmsError, RateLimited, Refused, TokenRejected, Unavailable
from domain.fulfillment import PromiseNotice, ShipmentNotice, ShippedLine
from domain.observations import (
    CaseHinted,
    CaseLineObserved,
    CaseObserved,
    ChannelCaseState,
    Observation,
    OrderHinted,
)
from domain.pulling import Rolled, Window
from domain.shops import Token
from domain.stock_push import Level
from tests.connectors.pdd_answers import (
    NO,
    PDD,
    PERSONAL,
    arose,
    asked,
    case,
    changes,
    detail,
    fails,
    order,
    platform,
    says,
)
from tests.connectors.worlds import NOW, Stranger

S, K = ChannelCaseState, CaseKind
WINDOW = Window(NOW - timedelta(minutes=30), NOW)
WHOLE = ShipmentNotice(NO, "SF", "SF123", NOW, (ShippedLine("10200030", "TEE-WHITE-M", 2),), True, "write_back:1")
PART = replace(WHOLE, whole=False, waybill_no="SF124")
LEVEL = Level("TEE-M", "36543", "10200030", 7, sequence=3)
DONE = {"is_success": True}
SEND_IN, STOCK_IN = "logistics_online_send_response", "goods_quantity_update_response"
NEW = {"access_token": "access-2", "refresh_token": "refresh-2", "expires_in": 86_400, "owner_id": "171504183"}

ANSWERS: list[tuple[httpx.Response | Exception, type[OmsError], str]] = [
    (fails(10019), TokenRejected, "10019"),
    *((fails(code), Refused, str(code)) for code in (10000, 21001, 21002, 70032, 70034, 70035)),
    *((fails(code), Unavailable, str(code)) for code in (50000, 50001, 50002, 52001, 52002, 52102, 52103, 70033)),
    *((fails(code), RateLimited, str(code)) for code in (52101, 70031, 70036)),
    *((fails(code), Broken, str(code)) for code in (10001, 10016, 10017, 20004, 20005, 20031, 20032, 20034)),
    *((fails(code), Broken, str(code)) for code in (30000, 52004, 12345)),
    (fails(21001, sub_code="x", sub_msg="请联系 13812345678"), Refused, "refused (x): 请联系 ***"),
    (httpx.Response(429, headers={"retry-after": "5"}), RateLimited, "HTTP 429"),
    (httpx.Response(503), Unavailable, "HTTP 503"),
    (httpx.ReadTimeout("x"), Unavailable, "in time"),
    (httpx.Response(404, text="李小明"), Broken, "HTTP 404 about pdd.order.information.get"),
    (httpx.Response(200, text="<html>李小明"), Broken, "words that are not its format"),
    (httpx.Response(200, content=b"[" * 100_000), Broken, "words that are not its format"),
    (httpx.Response(200, json=[]), Broken, "words that are not its format"),
    (httpx.Response(200, json={}), Broken, "words that are not its format"),
    (says("error_response", "李小明"), Broken, "is not an object"),
    (says("order_info_get_response", {}), Broken, "order_info is missing"),
    (says("other_response", {"order_info": order()}), Broken, "words that are not its format"),
    (detail(order_sn="1"), Broken, f"another order than {NO}"),
    (detail(pay_amount=1), Broken, f"pdd about {NO}: pay_amount is 100 fen"),
    (detail(receiver_phone=["13812345678"]), Broken, "receiver_phone is not a text"),
]


@pytest.mark.parametrize(("answer", "error", "words"), ANSWERS)
async def test_every_answer_has_one_meaning_and_no_personal_value(
    answer: httpx.Response | Exception, error: type[OmsError], words: str
) -> None:
    with pytest.raises(error) as caught:
        await platform(Stranger(answer)).read_order(NO)
    assert type(caught.value) is error
    assert words in str(caught.value)
    assert not [value for value in (*PERSONAL, "access-1") if value in str(caught.value)]


def test_every_documented_code_has_a_meaning() -> None:
    documented = {10000, 10001, 10016, 10017, 10019, 20004, 20005, 20031, 20032, 20034, 21001, 21002, 30000, 50000}
    documented |= {50001, 50002, 52001, 52002, 52004, 52101, 52102, 52103, 70031, 70032, 70033, 70034, 70035, 70036}
    assert documented == CODES


async def test_an_order_is_read_and_its_answer_kept_as_received() -> None:
    seen, raw = await platform(Stranger(detail())).read_order(NO)
    assert (seen.no, raw) == (NO, detail().content)


async def test_a_window_is_counted_first_and_read_from_its_last_page() -> None:
    """INT-2: rows that change while we read move towards page 1, which is read last."""
    stranger = Stranger(changes(201, order()), changes(201), changes(150, order(order_sn="2")), changes(99, order()))
    shop = platform(stranger)
    cursor = ""
    seen: list[Observation] = []
    for _ in range(4):
        page = await shop.pull(WINDOW, cursor)
        seen += page.observations
        cursor = page.next_cursor
    assert cursor == ""
    assert [asked(stranger, n)["page"] for n in range(4)] == ["1", "3", "2", "1"]
    assert [one.no for one in seen if hasattr(one, "no")] == ["2", NO], "the counting answer is not read"
    first = asked(stranger)
    wanted = {"start_updated_at": "1795352400", "end_updated_at": "1795354200", "page_size": "100"}
    assert {name: first[name] for name in wanted} == wanted
    assert (first["order_status"], first["refund_status"], first["is_lucky_flag"]) == ("5", "5", "0")


async def test_a_row_that_cannot_be_read_is_asked_for_alone_and_one_without_a_number_is_told_of() -> None:
    page = await platform(Stranger(changes(2, order(), order(order_sn="7", pay_amount=1)))).pull(WINDOW, "")
    hint = page.observations[1]
    assert isinstance(hint, OrderHinted)
    assert (hint.no, hint.vendor_time) == ("7", NOW)
    with pytest.raises(Broken, match="order_sn is missing"):
        await platform(Stranger(changes(1, order(order_sn=...)))).pull(WINDOW, "")


async def test_a_window_that_holds_too_much_is_halved_and_a_wrong_cursor_is_told() -> None:
    assert (await platform(Stranger(changes(10_001))).pull(WINDOW, "")).overfull
    assert (await platform(Stranger(changes(10_000))).pull(WINDOW, "")).next_cursor == "100"
    assert (await platform(Stranger(arose(10_001))).roll(WINDOW, "")).overfull
    for cursor in ("0", "101", "x", "１", "9" * 50):
        with pytest.raises(Broken, match="begin the window anew"):
            await platform(Stranger(changes(0))).pull(WINDOW, cursor)


async def test_the_roll_names_every_order_by_the_moment_it_came_about() -> None:
    """INT-9: which orders there are in an hour, and how many."""
    stranger = Stranger(arose(101, order()), arose(101, order(order_sn="2", order_status=2)))
    first = await platform(stranger).roll(WINDOW, "")
    assert (first.total, first.next_cursor) == (101, "2")
    assert first.rolled == (Rolled(NO, "1", NOW.replace(minute=2, second=3, hour=13)),)
    second = await platform(stranger).roll(WINDOW, first.next_cursor)
    assert (second.rolled[0].no, second.next_cursor) == ("2", "")
    assert asked(stranger)["start_confirm_at"] == "1795352400"
    rules = registry.roll_rules(PDD)
    assert rules is not None
    assert (rules.longest_seconds, rules.by_payment) == (86_400, True)


def test_windows_keep_to_the_platforms_limits() -> None:
    rules = registry.pull_rules(PDD)
    assert rules is not None
    assert (rules.longest_seconds, rules.lag_seconds) == (1_800, 180)


async def test_a_parcel_is_told_by_the_platforms_number_of_its_carrier() -> None:
    stranger = Stranger(says(SEND_IN, DONE))
    await platform(stranger).write_back(WHOLE)
    told = asked(stranger)
    wanted = {"order_sn": NO, "logistics_id": "44", "tracking_number": "SF123", "redelivery_type": "1"}
    assert {name: told[name] for name in wanted} == wanted
    with pytest.raises(Broken, match="tells no number for JD"):
        await platform(stranger).write_back(replace(WHOLE, carrier="JD"))


@pytest.mark.parametrize(
    ("notice", "shown", "done"),
    [
        (WHOLE, {"order_status": 2, "tracking_number": "SF123"}, True),
        (WHOLE, {"order_status": 2, "tracking_number": "OTHER"}, False),
        (PART, {"order_status": 2, "tracking_number": "SF123"}, True),
        (WHOLE, {"order_status": 1, "tracking_number": "SF123"}, False),
        (PART, {"order_status": 2}, False),
    ],
)
async def test_a_refusal_is_a_success_when_the_order_has_its_waybill(
    notice: ShipmentNotice, shown: dict[str, Any], done: bool
) -> None:
    for refusal in (fails(21001, sub_msg="已发货"), says(SEND_IN, {"is_success": False})):
        shop = platform(Stranger(refusal, detail(**shown)))
        if done:
            await shop.write_back(notice)
        else:
            with pytest.raises(Refused):
                await shop.write_back(notice)


async def test_what_the_platform_has_no_way_for_is_refused() -> None:
    shop = platform(Stranger(detail()))
    answer = ChannelAnswer("77", NO, K.REFUND, CaseAction.AGREE_REFUND, "case:C1:1", "CNY", amount_minor=500)
    with pytest.raises(Refused, match="own pages"):
        await shop.answer_case(answer)
    with pytest.raises(Refused, match="no way to tell"):
        await shop.tell_promise(PromiseNotice(NO, NOW, "k"))


async def test_stock_is_set_for_one_sku() -> None:
    stranger = Stranger(says(STOCK_IN, DONE))
    assert await platform(stranger).push_stock((LEVEL,)) == {}
    told = asked(stranger)
    wanted = {"goods_id": "36543", "sku_id": "10200030", "quantity": "7", "update_type": "1"}
    assert {name: told[name] for name in wanted} == wanted
    assert registry.push_rules("pdd").most == 1
    for answer in (fails(21001), says(STOCK_IN, {"is_success": False})):
        with pytest.raises(Refused):
            await platform(Stranger(answer)).push_stock((LEVEL,))
    with pytest.raises(Refused, match="mend the listing"):
        await platform(stranger).push_stock((replace(LEVEL, variant_id=""),))


STATUSES: list[tuple[int, int, str, ChannelCaseState]] = [
    (2, 2, "", S.ASKED), (3, 3, "", S.ASKED), (3, 3, "SF9", S.SENT), (14, 4, "", S.ASKED), (14, 4, "SF9", S.SENT),
    (7, 3, "", S.AWAITS_GOODS), (15, 4, "", S.AWAITS_GOODS), (15, 5, "", S.SENT), (4, 2, "", S.SENT),
    (5, 2, "", S.SENT), (6, 2, "", S.REFUSED), (10, 3, "", S.PAID), (16, 4, "", S.CLOSED), (11, 2, "", S.CLOSED),
]  # fmt: skip


@pytest.mark.parametrize(("status", "kind", "waybill", "state"), STATUSES)
async def test_a_listed_case_is_read_whole(status: int, kind: int, waybill: str, state: ChannelCaseState) -> None:
    row = case(after_sales_status=status, after_sales_type=kind, tracking_number=waybill)
    listed = says("refund_increment_get_response", {"total_count": 1, "refund_list": [row]})
    stranger = Stranger(listed)
    (seen,) = (await platform(stranger).pull_cases(WINDOW, "")).observations
    assert isinstance(seen, CaseObserved)
    assert (seen.state, seen.case_kind) == (state, pdd_cases.LIST_KINDS[kind])
    assert (seen.case_no, seen.no, seen.amount_minor) == (f"{NO}-77", NO, 500)
    assert (seen.lines, seen.vendor_time) == ((CaseLineObserved("10200030", 1),), NOW)
    assert (asked(stranger)["after_sales_type"], asked(stranger)["page"]) == ("1", "1")


def test_every_documented_state_of_a_case_is_known() -> None:
    documented = {0, *range(2, 19), 21, 22, 24, 25, 27, 31, 32, 33}
    assert documented == set(pdd_cases.STATES)
    assert {number for number, state in pdd_cases.STATES.items() if state is S.PAID} == {10}


async def test_one_case_is_asked_for_by_both_numbers_and_its_kind_is_numbered_otherwise() -> None:
    answered = says("refund_information_response", case(id=..., after_sales_id=77))
    stranger = Stranger(answered)
    seen, raw = await platform(stranger).read_case(f"{NO}-77")
    assert (seen.case_kind, raw) == (K.RETURN, answered.content)
    assert (asked(stranger)["after_sales_id"], asked(stranger)["order_sn"]) == ("77", NO)
    for wrong, words in (({"after_sales_status": 99}, "status 99"), ({"after_sales_type": 5}, "type 5")):
        with pytest.raises(Broken, match=words):
            await platform(Stranger(says("x", case(**wrong)))).read_case(f"{NO}-77")
    with pytest.raises(Broken, match="another case"):
        await platform(Stranger(says("x", case()))).read_case(f"{NO}-78")
    with pytest.raises(Refused, match="cannot be asked for"):
        await platform(stranger).read_case("77")


async def test_a_case_that_nobody_knows_is_a_hint_and_its_pages_are_read_backwards() -> None:
    rows = [case(after_sales_type=9), case(id=78)]
    listed = says("refund_increment_get_response", {"total_count": 2, "refund_list": rows})
    page = await platform(Stranger(listed)).pull_cases(WINDOW, "")
    assert page.observations[0] == CaseHinted("pdd", "pdd1", f"{NO}-77", NO, NOW)
    many = says("refund_increment_get_response", {"total_count": 150, "refund_list": rows})
    stranger = Stranger(many)
    assert (await platform(stranger).pull_cases(WINDOW, "")).next_cursor == "2"
    assert (await platform(stranger).pull_cases(WINDOW, "2")).next_cursor == "1"


async def test_a_token_is_renewed_without_the_old_one() -> None:
    stranger = Stranger(says("pop_auth_token_refresh_response", NEW))
    assert await platform(stranger).renew() == Token("access-2", "refresh-2", NOW + timedelta(days=1), 3)
    told = asked(stranger)
    assert (told["type"], told["refresh_token"]) == ("pdd.pop.auth.token.refresh", "refresh-1")
    assert "access_token" not in told


@pytest.mark.parametrize(
    ("answer", "error"),
    [(fails(10000), Refused), (fails(10019), Refused), (fails(50000), Unavailable),
     (says("pop_auth_token_refresh_response", {**NEW, "access_token": ""}), Broken)],
)  # fmt: skip
async def test_a_token_that_is_not_given_says_why(answer: httpx.Response, error: type[OmsError]) -> None:
    with pytest.raises(error) as caught:
        await platform(Stranger(answer)).renew()
    assert "refresh-1" not in str(caught.value)


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"carriers": "SF"}, "carriers"), ({"carriers": "SF=shunfeng"}, "carriers"), ({"refunds": "maybe"}, "refunds"),
        ({"mall_id": ""}, "mall_id"), ({"message_url": ""}, "message_url"),
    ],
)  # fmt: skip
def test_a_shop_row_that_cannot_work_is_told_of(changed: dict[str, str], word: str) -> None:
    faulty: Callable[[], list[str]] = lambda: registry.missing(replace(PDD, params={**PDD.params, **changed}))  # noqa: E731
    assert [fault.split(":")[0] for fault in faulty()] == [word]
    assert registry.missing(PDD) == []
