"""After-sales cases as the channels tell of them, and our answers (AFT-3, AFT-7; issue 8: opened by the platform)."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from connectors.platforms import douyin_cases, taobao_cases
from connectors.platforms.douyin import DouyinShop
from connectors.platforms.own import OwnInbound, OwnShop
from domain.after_sales import CaseAction, CaseKind, ChannelAnswer
from domain.errors import Broken, Refused, Unparsable
from domain.observations import CaseHinted, CaseLineObserved, CaseObserved, ChannelCaseState
from domain.pulling import Window
from tests.connectors import douyin_answers, taobao_answers
from tests.connectors.douyin_answers import DOUYIN
from tests.connectors.test_own import arriving
from tests.connectors.worlds import NOW, OWN, Stranger, clock, push

S, A, K = ChannelCaseState, CaseAction, CaseKind
WINDOW = Window(NOW - timedelta(hours=1), NOW)
SECOND = douyin_answers.SECOND
WITH_CASES = replace(OWN, params={"cases_url": "http://shop.example/cases"})
OWN_CASE = {
    "case_no": "AS1", "order_no": "D1", "kind": "return", "state": "sent", "updated_at": "2026-11-22T21:30:00+08:00",
    "amount_minor": 500, "currency": "CNY", "lines": [{"no": "1", "quantity": 1}], "reason": "damaged",
    "words": "碎了", "carrier": "SF", "waybill_no": "SF9",
}  # fmt: skip


def answer(action: CaseAction, kind: CaseKind = K.RETURN, **more: Any) -> ChannelAnswer:
    return ChannelAnswer("77", "D1", kind, action, f"case:C1:{action.value}", "CNY", **more)


def row(status: int = 6, kind: int = 2, refund: int = 0, **changes: Any) -> dict[str, Any]:
    """One row of Douyin's list."""
    told = {"aftersale_id": 77, "aftersale_status": status, "aftersale_type": kind, "refund_status": refund}
    told |= {"refund_amount": 500, "update_time": SECOND, **changes}
    about = {"shop_order_id": "4781", "related_order_info": [{"sku_order_id": "4782", "aftersale_item_num": 2}]}
    return {"aftersale_info": told, "order_info": about}


def case(status: int = 6, kind: int = 2, refund: int = 0) -> httpx.Response:
    """Douyin's answer about one case."""
    told = {"after_sale_id": 77, "after_sale_status": status, "after_sale_type": kind, "refund_status": refund}
    told |= {"refund_amount": 500, "update_time": SECOND}
    about = {"shop_order_id": "4781", "sku_order_infos": [{"sku_order_id": "4782", "after_sale_item_count": 2}]}
    return douyin_answers.says({"process_info": {"after_sale_info": told}, "order_info": about})


def refund(status: str = "WAIT_SELLER_AGREE", kind: str = "REFUND", fee: str = "5.00") -> httpx.Response:
    """Taobao's answer about one refund."""
    told = {"refund_id": 77, "tid": 42, "oid": 43, "status": status, "dispute_type": kind, "refund_fee": fee}
    told |= {"modified": "2026-11-22 21:30:00", "num": 2, "refund_version": 9, "refund_phase": "onsale"}
    return taobao_answers.says("refund_get_response", {"refund": told})


def douyin(stranger: Stranger) -> DouyinShop:
    return DouyinShop(DOUYIN, stranger.client(), clock)


@pytest.mark.parametrize(
    ("status", "kind", "refund_status", "state"),
    [
        (6, 2, 0, S.ASKED), (7, 0, 0, S.AWAITS_GOODS), (11, 0, 0, S.SENT), (8, 3, 0, S.SENT), (13, 3, 0, S.SENT),
        (12, 1, 3, S.PAID), (12, 1, 2, S.SENT), (12, 1, 4, S.SENT), (12, 3, 0, S.CLOSED), (14, 7, 0, S.CLOSED),
        (51, 2, 3, S.PAID), (53, 0, 3, S.PAID), (27, 2, 0, S.REFUSED), (29, 0, 0, S.REFUSED), (28, 2, 0, S.CLOSED),
    ],
)  # fmt: skip
async def test_every_state_of_douyin_has_its_meaning_and_money_counts_when_it_moved(
    status: int, kind: int, refund_status: int, state: ChannelCaseState
) -> None:
    seen, raw = await douyin(Stranger(case(status, kind, refund_status))).read_case("77")
    assert (seen.state, seen.raw_status) == (state, f"{status}/{refund_status}")
    assert (seen.case_no, seen.no, seen.amount_minor, seen.vendor_time) == ("77", "4781", 500, NOW)
    assert seen.lines == (CaseLineObserved("4782", 2),)
    assert raw


async def test_a_page_of_douyin_reads_what_it_can_and_asks_for_the_rest_alone() -> None:
    stranger = Stranger(douyin_answers.says({"total": 2, "items": [row(), row(status=999)]}))
    page = await douyin(stranger).pull_cases(WINDOW, "")
    read, unknown = page.observations
    assert isinstance(read, CaseObserved)
    assert unknown == CaseHinted("douyin", "dy1", "77", "", NOW)
    asked = json.loads(stranger.asked[0].content)
    assert asked["update_start_time"] == SECOND - 3600
    assert asked["order_by"] == ["update_time asc"]
    long = Stranger(douyin_answers.says({"total": 250, "items": []}))
    assert (await douyin(long).pull_cases(WINDOW, "")).next_cursor == "2", "the last page is read first"


@pytest.mark.parametrize(("status", "kind"), [(999, 2), (6, 8)])
async def test_what_nobody_knows_is_broken_and_names_the_codes(status: int, kind: int) -> None:
    with pytest.raises(Broken, match=f"type {kind}, status {status}"):
        await douyin(Stranger(case(status, kind))).read_case("77")


@pytest.mark.parametrize(
    ("told", "number"),
    [
        (answer(A.AGREE_RETURN), 101), (answer(A.AGREE_REFUND, amount_minor=500), 111), (answer(A.REFUSE), 102),
        (answer(A.AGREE_REFUND, K.REFUND, amount_minor=500), 201), (answer(A.SHIPPED, K.EXCHANGE), 311),
    ],
)  # fmt: skip
async def test_an_answer_to_douyin_names_case_and_operation(told: ChannelAnswer, number: int) -> None:
    stranger = Stranger(douyin_answers.says({"items": [{"status_code": 0}]}))
    await douyin(stranger).answer_case(told)
    assert stranger.asked[0].url.path == "/afterSale/operate"
    body = json.loads(stranger.asked[0].content)
    assert (body["type"], body["items"][0]["aftersale_id"]) == (number, "77")


async def test_a_second_agreement_is_a_success_and_another_refusal_is_not() -> None:
    """AFT-7: after an unknown outcome the answer goes again, and is refused as done already."""
    no = douyin_answers.says({"items": [{"status_code": 1, "status_msg": "已处理"}]})
    await douyin(Stranger(no, case(12, 2, 3))).answer_case(answer(A.AGREE_REFUND, K.REFUND, amount_minor=500))
    with pytest.raises(Refused, match="已处理"):
        await douyin(Stranger(no, case(28))).answer_case(answer(A.AGREE_REFUND, K.REFUND, amount_minor=500))
    refused = taobao_answers.error(15, "isv.refund-done", "已经处理")
    agreed = answer(A.AGREE_REFUND, K.REFUND, amount_minor=500)
    await taobao_answers.taobao(Stranger(refund(), refused, refund("SUCCESS"))).answer_case(agreed)
    with pytest.raises(Refused, match="已经处理"):
        await taobao_answers.taobao(Stranger(refund(), refused, refund())).answer_case(agreed)


@pytest.mark.parametrize(
    ("status", "kind", "state", "meant"),
    [
        *((one, "REFUND", state, K.REFUND) for one, state in taobao_cases.STATES.items()),
        ("SUCCESS", "REFUND_AND_RETURN", S.PAID, K.RETURN),
        ("SUCCESS", "TMALL_EXCHANGE", S.CLOSED, K.EXCHANGE),
        ("WAIT_SELLER_AGREE", "RESHIPPING", S.ASKED, K.RESHIP),
    ],
)
async def test_every_state_of_taobao_has_its_meaning(
    status: str, kind: str, state: ChannelCaseState, meant: CaseKind
) -> None:
    seen, _ = await taobao_answers.taobao(Stranger(refund(status, kind))).read_case("77")
    assert (seen.state, seen.case_kind, seen.raw_status) == (state, meant, status)
    assert (seen.no, seen.amount_minor, seen.lines) == ("42", 500, (CaseLineObserved("43", 2),))


async def test_taobao_lists_hints_and_its_answers_carry_amount_and_version() -> None:
    listed = {"refunds": {"refund": [{"refund_id": 77, "tid": 42, "modified": "2026-11-22 21:30:00"}]}}
    stranger = Stranger(taobao_answers.says("refunds_receive_get_response", {"total_results": 1, **listed}))
    page = await taobao_answers.taobao(stranger).pull_cases(WINDOW, "")
    assert page.observations == (CaseHinted("taobao", "flagship", "77", "42", NOW),)
    done = taobao_answers.says("rp_refunds_agree_response", {"succ": True, "results": {}})
    stranger = Stranger(refund(), done)
    await taobao_answers.taobao(stranger).answer_case(answer(A.AGREE_REFUND, K.REFUND, amount_minor=500))
    assert taobao_answers.asked(stranger, 1)["refund_infos"] == "77|500|9|onsale"


async def test_an_amount_that_changed_meanwhile_is_not_agreed_to() -> None:
    """AFT-3: never more than was granted."""
    told = answer(A.AGREE_REFUND, K.REFUND, amount_minor=500)
    with pytest.raises(Refused, match="wants 600 fen by now, 500 were granted"):
        await taobao_answers.taobao(Stranger(refund(fee="6.00"))).answer_case(told)


async def test_the_platforms_have_no_word_for_some_answers() -> None:
    with pytest.raises(Refused, match="own pages"):
        await douyin(Stranger(case())).answer_case(answer(A.AGREE_REFUND, K.COMPENSATION))
    assert set(douyin_cases.ANSWERED) == set(taobao_cases.ANSWERED) == set(A)


def test_the_own_shop_tells_of_a_case_by_a_signed_message() -> None:
    arrived = arriving(json.dumps({"case": OWN_CASE}).encode())
    OwnInbound(OWN).verify(arrived)
    (seen,) = OwnInbound(OWN).parse(arrived).observations
    assert isinstance(seen, CaseObserved)
    assert (seen.case_no, seen.no, seen.case_kind, seen.state) == ("AS1", "D1", K.RETURN, S.SENT)
    assert (seen.amount_minor, seen.reason, seen.waybill_no, seen.vendor_time) == (500, "damaged", "SF9", NOW)


@pytest.mark.parametrize(
    ("changed", "words"),
    [({"state": "happy"}, "case.state"), ({"kind": "gift"}, "case.kind"), ({"amount_minor": -1}, "case.amount_minor")],
)
def test_a_case_that_cannot_be_read_names_its_field(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(Unparsable, match=words):
        OwnInbound(OWN).parse(arriving(json.dumps({"case": OWN_CASE | changed}).encode()))


async def test_the_own_shop_is_asked_and_told_at_its_address() -> None:
    stranger = Stranger(httpx.Response(200, json={"case": OWN_CASE}))
    seen, _ = await OwnShop(WITH_CASES, stranger.client(), clock).read_case("AS1")
    assert seen.case_no == "AS1"
    assert str(stranger.asked[0].url) == "http://shop.example/cases/AS1"
    with pytest.raises(Broken, match="another case"):
        await OwnShop(WITH_CASES, stranger.client(), clock).read_case("AS2")
    listed = Stranger(httpx.Response(200, json={"cases": [OWN_CASE], "pages": 2}))
    shop = OwnShop(WITH_CASES, listed.client(), clock)
    assert (await shop.pull_cases(WINDOW, "")).next_cursor == "2"
    page = await shop.pull_cases(WINDOW, "2")
    assert (len(page.observations), page.next_cursor) == (1, "1")
    taken = Stranger(httpx.Response(200, json={"accepted": True}))
    await OwnShop(WITH_CASES, taken.client(), clock).answer_case(answer(A.REFUSE, reason="过了时间"))
    request = taken.asked[0]
    OwnInbound(OWN).verify(push(request.content, headers=request.headers))
    said = {"case_no": "77", "order_no": "D1", "action": "refuse", "reason": "过了时间"}
    assert json.loads(request.content) == {"answer": said}


async def test_an_own_shop_without_an_address_for_cases_is_not_told() -> None:
    with pytest.raises(Refused, match="no cases_url"):
        await OwnShop(OWN, Stranger(httpx.Response(200)).client(), clock).answer_case(answer(A.REFUSE))
