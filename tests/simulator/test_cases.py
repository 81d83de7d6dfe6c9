"""After-sales cases of the simulated shops: what they tell, what they take, and money that moves once (AFT-7)."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx

from simulator.plan import build_plan
from tests.simulator.erp import Erp, china_now, config, own_headers, stamp, until
from tests.simulator.market_erp import MarketErp
from tests.simulator.markets import Json, douyin, error_of, taobao

Open = Callable[..., Any]
REFUNDS: dict[str, Any] = {
    "case_share": 1,
    "case_return_share": 0,
    "case_shipped_share": 0,
    "unpaid_first": 0,
    "cancel_within": 0,
}
RETURNS: dict[str, Any] = {**REFUNDS, "case_return_share": 1, "case_return_after": 0}
FIELDS = "refund_id,tid,oid,status,refund_fee,refund_version,dispute_type,sid"


async def applied(erp: Erp) -> list[Any]:
    """Let all buyers act, and give their cases."""
    erp.world.start()
    orders = erp.world.shop.orders
    await until(lambda: len(orders) == len(erp.world.plan.orders) and all(one.acted for one in orders.values()))
    return list(erp.world.cases.all.values())


async def say(erp: Erp, event: str, answer: Json) -> httpx.Response:
    """Answer a case of the own shop."""
    body = json.dumps({"answer": answer}).encode()
    return await erp.client.post(f"/own/mine/cases/{answer['case_no']}", headers=own_headers(event, body), content=body)


def test_nobody_applies_by_default_and_the_plan_stays_the_same() -> None:
    calm, busy = config(count=40), config(count=40, case_share=1)
    before, after = build_plan(calm).orders, build_plan(busy).orders
    assert not any(act.case for order in before for act in order.acts)
    assert [replace(one, acts=()) for one in before] == [replace(one, acts=()) for one in after]


def test_buyers_send_bundles_back_too_and_nobody_applies_for_goods_that_never_leave() -> None:
    """What is scarce may never be picked."""
    returns = RETURNS | {"bundle_share": 0.5, "scarce": {"0": 1}, "scarce_demand": 8}
    for order in build_plan(config(count=40, **returns)).orders:
        kinds = {act.case for act in order.acts if act.case}
        assert kinds == (set() if order.basket.scarce else {"return"}), order.no


async def test_the_own_shop_pushes_a_case_and_pays_it_once(erp_for: Open) -> None:
    erp = erp_for(config(count=1, duplicate_share=1, **REFUNDS))
    (case,) = await applied(erp)
    agree = {"case_no": case.no, "order_no": case.order.plan.no, "action": "agree_refund", "amount_minor": case.minor}
    assert (await say(erp, "e0", {**agree, "amount_minor": 1})).status_code == 422
    assert [(await say(erp, event, agree)).status_code for event in ("e1", "e1", "e2")] == [200, 200, 422]
    await until(lambda: {one["state"] for one in erp.cases} == {"asked", "paid"})
    assert len({one["updated_at"] for one in erp.cases}) == 2, "copies say the same"
    books = await erp.books()
    assert books["cases"][case.no]["paid"] == 1
    assert books["orders"][case.order.plan.no]["net_minor"] == 0
    assert books["cases"][case.no]["agreed"] == 2


async def test_the_own_shop_lists_what_changed_and_shows_one_case(erp_for: Open) -> None:
    erp = erp_for(config(count=3, case_push_lost_share=1, **REFUNDS))
    cases = await applied(erp)
    assert erp.cases == [], "every push was lost"
    at = china_now()
    asked = {"updated_from": (at - timedelta(hours=1)).isoformat(), "updated_to": at.isoformat(), "page": "1"}
    answer = await erp.client.get("/own/mine/cases", params=asked, headers=own_headers("l", b""))
    assert {one["case_no"] for one in answer.json()["cases"]} == {case.no for case in cases}
    assert answer.json()["pages"] == 1
    one = await erp.client.get(f"/own/mine/cases/{cases[0].no}", headers=own_headers("r", b""))
    assert one.json()["case"]["state"] == "asked"
    assert (await erp.client.get("/own/mine/cases/none", headers=own_headers("r", b""))).status_code == 404
    assert (await erp.client.get("/own/mine/cases", params=asked)).status_code == 401


async def test_taobao_has_a_case_for_each_line_and_refuses_a_second_agreement(market_erp_for: Open) -> None:
    erp: MarketErp = market_erp_for(config(count=4, marketplaces=[taobao(share=1)], **REFUNDS))
    cases = await applied(erp)
    top, at = erp.tops[0], china_now()
    window = {"start_modified": stamp(at - timedelta(hours=1)), "end_modified": stamp(at + timedelta(seconds=2))}
    answer = await top.call("taobao.refunds.receive.get", fields=FIELDS, **window)
    rows = answer["refunds_receive_get_response"]["refunds"]["refund"]
    assert {row["refund_id"] for row in rows} == {case.no for case in cases}
    assert len(cases) == sum(len(one.plan.basket.lines) for one in erp.world.shop.orders.values())
    for case, row in ((case, row) for case in cases for row in rows if row["refund_id"] == case.no):
        wrong = f"{case.no}|{case.minor + 1}|{row['refund_version']}|onsale"
        assert error_of(await top.call("taobao.rp.refunds.agree", refund_infos=wrong))[1] == "isv.refund-fee-changed"
        right = f"{case.no}|{case.minor}|{row['refund_version']}|onsale"
        assert (await top.call("taobao.rp.refunds.agree", refund_infos=right))["rp_refunds_agree_response"]["succ"]
        again = error_of(await top.call("taobao.rp.refunds.agree", refund_infos=right))
        assert again[1] == "isv.refund-status-error"
    books = await erp.books()
    assert {(one["paid"], one["state"]) for one in books["cases"].values()} == {(1, "paid")}
    assert {(one["net_minor"], one["status"]) for one in books["orders"].values()} == {(0, "refunded")}


async def test_a_refused_buyer_at_douyin_calls_the_platform_in(market_erp_for: Open) -> None:
    """EXC-4: the push of an arbitration names the case."""
    erp: MarketErp = market_erp_for(config(count=1, marketplaces=[douyin(share=1)], **RETURNS, case_dispute_share=1))
    (case,) = await applied(erp)
    told = {"type": 102, "items": [{"aftersale_id": case.no, "reason": "不符合条件"}]}
    answer = await erp.dous["dy"].call("/afterSale/operate", told)
    assert answer["data"]["items"][0]["status_code"] == 0
    await until(lambda: "212" in {tag for _, tag in erp.tags})
    assert case.state == "refused"


async def test_douyin_pushes_its_tags_and_says_for_each_case_what_came_of_an_answer(market_erp_for: Open) -> None:
    erp: MarketErp = market_erp_for(config(count=1, marketplaces=[douyin(share=1)], **RETURNS, wms_step=0))
    (case,) = await applied(erp)
    dou, at = erp.dous["dy"], int(china_now().timestamp())
    window = {"update_start_time": at - 3600, "update_end_time": at + 2, "order_by": ["update_time asc"]}
    listed = (await dou.call("/afterSale/List", {**window, "page": 0, "size": 100}))["data"]
    assert listed["items"][0]["aftersale_info"]["aftersale_status"] == 6
    assert listed["items"][0]["order_info"]["shop_order_id"] == case.order.plan.no

    async def operate(number: int) -> int:
        told = {"type": number, "items": [{"aftersale_id": case.no}]}
        return int((await dou.call("/afterSale/operate", told))["data"]["items"][0]["status_code"])

    assert [await operate(101), await operate(101)] == [0, 1]
    await until(lambda: case.state == "sent")
    shown = (await dou.call("/afterSale/Detail", {"after_sale_id": case.no}))["data"]["process_info"]
    assert shown["after_sale_info"]["return_logistics_code"] == case.waybill != ""
    assert [await operate(111), await operate(111)] == [0, 1]
    await until(lambda: {"200", "202", "203", "206"} <= {tag for _, tag in erp.tags})
    assert (case.paid, case.order.status) == (1, "refunded")
    unknown = await dou.call("/afterSale/Detail", {"after_sale_id": "1"})
    assert unknown["sub_code"] == "isv.business-failed:aftersale-not-exist"
