"""The TOP gateway refuses what the vendor refuses, pages as it does, and takes waybills (INT-1, INT-2)."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from simulator import taobao_wire as wire
from simulator.taobao_trade import status_of
from tests.simulator.erp import Erp, china_now, config, stamp, until
from tests.simulator.markets import DETAIL, LIST, REFRESH, SEND, Top, error_of, taobao

Open = Callable[..., Erp]
TOP_1 = {
    "app_key": "test",
    "fields": "nick",
    "format": "xml",
    "method": "taobao.user.seller.get",
    "session": "test",
    "sign_method": "md5",
    "timestamp": "2013-05-06 13:52:03",
    "v": "2.0",
}
TOP_2 = {
    "method": "taobao.item.seller.get",
    "app_key": "12345678",
    "session": "test",
    "timestamp": "2016-01-01 12:00:00",
    "format": "json",
    "v": "2.0",
    "sign_method": "md5",
    "fields": "num_iid,title,nick,price,num",
    "num_iid": "11223344",
}
VECTORS = [
    (TOP_1, "test", "72CB4D809B375A54502C09360D879C64"),
    (TOP_2, "helloworld", "66987CB115214E59E6EC978214934FB8"),
    ({**TOP_2, "sign_method": "hmac"}, "helloworld", "D56D7858309C31B6251083A874D48273"),
    (
        {**TOP_2, "sign_method": "hmac-sha256"},
        "helloworld",
        "04DB15AD0774D5CFCE2C837DE43E3FCEA9011ED74F3038FB6AB5F3C4CEA119E8",
    ),
]
AT = datetime.fromisoformat("2016-01-01T12:05:00+08:00")
MONEY = "payment,total_fee,discount_fee,post_fee,platform_subsidy_fee,orders,promotion_details"


@pytest.mark.parametrize(("params", "secret", "expected"), VECTORS)
def test_the_published_digests_are_made(params: dict[str, str], secret: str, expected: str) -> None:
    assert wire.sign(params, secret) == expected


@pytest.mark.parametrize(("params", "secret", "expected"), VECTORS[1:])
def test_the_published_digests_are_taken_and_a_flipped_bit_is_not(
    params: dict[str, str], secret: str, expected: str
) -> None:
    secrets = {"12345678": secret}
    assert wire.verify(secrets, {**params, "sign": expected}, AT) == "taobao.item.seller.get"
    for bad in (
        {**params, "sign": "7" + expected[1:]},
        {**params, "sign": expected, "num_iid": "11223345"},
        {**params, "sign": expected, "session": "tesu"},
        {**params, "sign": expected, "sign_method": "md5" if params["sign_method"] != "md5" else "hmac"},
    ):
        with pytest.raises(wire.TopError) as caught:
            wire.verify(secrets, bad, AT)
        assert caught.value.code == 25


@pytest.mark.parametrize("minutes", [-16, 16])
def test_a_time_too_far_from_the_clock_is_refused(minutes: int) -> None:
    with pytest.raises(wire.TopError, match="10 minutes"):
        wire.verify({"12345678": "helloworld"}, {**TOP_2, "sign": VECTORS[1][2]}, AT + timedelta(minutes=minutes))


def world(erp_for: Open, count: int = 6, **profile: Any) -> tuple[Erp, Top]:
    calm = {"unpaid_first": 0, "wms_step": 60, **profile}
    erp = erp_for(config(count=count, marketplaces=[taobao(share=1)], **calm))
    return erp, Top(erp.client)


async def acted(erp: Erp) -> list[str]:
    """Let all buyers act and give the trade numbers."""
    erp.world.start()
    orders = erp.world.shop.orders
    await until(lambda: len(orders) == len(erp.world.plan.orders) and all(one.acted for one in orders.values()))
    return list(orders)


async def reached(erp: Erp, status: str) -> str:
    """Let the buyers act until any trade has a status, and give its number."""
    erp.world.start()
    orders = erp.world.shop.orders
    await until(lambda: any(one.listed and status_of(one) == status for one in orders.values()))
    return next(tid for tid, one in orders.items() if one.listed and status_of(one) == status)


def window() -> tuple[datetime, datetime]:
    at = china_now()
    return at - timedelta(hours=1), at + timedelta(minutes=1)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"app_key": "9"}, (29, "")),
        ({"app_key": ""}, (28, "")),
        ({"timestamp": ""}, (30, "")),
        ({"timestamp": "2016-01-01 12:00:00"}, (31, "isv.invalid-timestamp")),
        ({"timestamp": "2016-01-01T12:00:00"}, (31, "isv.invalid-timestamp")),
        ({"format": "xml"}, (23, "")),
        ({"v": "1.0"}, (33, "")),
        ({"sign": "0" * 32}, (25, "isv.invalid-signature")),
        ({"sign_method": "rot13", "sign": "0"}, (41, "isv.invalid-parameter")),
        ({"session": ""}, (26, "")),
        ({"session": "nobody"}, (27, "sessionkey-not-generate-by-isv")),
        ({"method": "taobao.nothing.get"}, (22, "isv.invalid-method")),
        ({"fields": ""}, (40, "isv.missing-parameter")),
        ({"start_modified": ""}, (40, "isv.missing-parameter")),
        ({"start_modified": "yesterday"}, (41, "isv.invalid-parameter")),
        ({"status": "SOLD"}, (41, "isv.invalid-parameter")),
        ({"page_no": "0"}, (41, "isv.invalid-parameter")),
        ({"page_size": "101"}, (41, "isv.invalid-parameter")),
    ],
)
async def test_a_call_that_is_not_right_has_its_code(
    erp_for: Open, changed: dict[str, str], code: tuple[int, str]
) -> None:
    _, top = world(erp_for)
    begins, ends = (stamp(at) for at in window())
    params = {"fields": "tid", "start_modified": begins, "end_modified": ends, "sign": "", **changed}
    params = {name: value for name, value in params.items() if not (name == "sign" and value == "")}
    method = params.pop("method", LIST)
    answer = await top.call(method, **params)
    assert error_of(answer) == code


async def test_a_window_is_at_most_one_day_and_not_backwards(erp_for: Open) -> None:
    _, top = world(erp_for)
    at = china_now()
    assert (await top.page(at - timedelta(days=1), at))["total_results"] == 0
    for begins in (at - timedelta(days=1, seconds=1), at):
        params = {"fields": "tid", "start_modified": stamp(begins), "end_modified": stamp(at)}
        assert error_of(await top.call(LIST, **params)) == (41, "isv.invalid-parameter")


async def test_pages_hold_the_latest_change_first_and_end_empty(erp_for: Open) -> None:
    erp, top = world(erp_for, count=5)
    tids = await acted(erp)
    pages = [await top.page(*window(), page_size="2", page_no=str(n)) for n in (1, 2, 3, 4)]
    assert [page["total_results"] for page in pages] == [5] * 4
    assert [len(page.get("trades", {"trade": []})["trade"]) for page in pages] == [2, 2, 1, 0]
    assert "trades" not in pages[3]
    trades = [one for page in pages[:3] for one in page["trades"]["trade"]]
    assert {one["tid_str"] for one in trades} == set(tids)
    assert all(one["tid"] == int(one["tid_str"]) > 2**53 and len(one["tid_str"]) == 19 for one in trades)
    moments = [one["modified"] for one in trades]
    assert moments == sorted(moments, reverse=True)
    more = await top.page(*window(), page_size="2", page_no="2", use_has_next="true")
    assert (more["has_next"], "total_results" in more) == (True, False)
    assert (await top.page(*window(), page_size="5", use_has_next="true"))["has_next"] is False
    books = await erp.books()
    assert books["shops"]["taobao/tm"]["lists_answered"] == 6
    assert all(order["accepted"] for order in books["orders"].values())


async def test_only_asked_fields_are_given_and_the_receiver_is_masked(erp_for: Open) -> None:
    erp, top = world(erp_for, count=1)
    (tid,) = await acted(erp)
    assert await top.trade(tid, "tid,orders.oid") == {
        "tid": int(tid),
        "orders": {
            "order": [{"oid": one["oid"]} for one in (await top.trade(tid, "orders"))["orders"]["order"]],
        },
    }
    who = erp.world.shop.orders[tid].plan.receiver
    handle = "receiver_name,receiver_address,created,receiver_mobile,receiver_phone,receiver_state"
    asked = await top.trade(tid, handle, include_oaid="include_oaid")
    told = json.dumps(asked, ensure_ascii=False)
    assert asked["oaid"]
    assert asked["receiver_state"] == who.province
    assert who.phone not in told
    assert who.address not in told
    assert "oaid" not in await top.trade(tid, "tid,oaid"), "the handle comes only with the fields it stands for"
    query = json.dumps([{"oaid": asked["oaid"], "tid": tid}, {"oaid": "x", "tid": tid}])
    answer = await top.call("taobao.top.oaid.decrypt", query_list=query)
    good, bad = answer["top_oaid_decrypt_response"]["receiver_list"]["receiver"]
    assert (good["matched"], good["name"], good["mobile"]) == (True, who.name, who.phone)
    assert good["address_detail"] == who.address
    assert bad == {"oaid": "x", "tid": tid, "matched": False}


async def test_amounts_add_up_in_yuan(erp_for: Open) -> None:
    erp, top = world(erp_for, count=40)
    for tid in await acted(erp):
        basket = erp.world.shop.orders[tid].plan.basket
        trade = await top.trade(tid, MONEY)
        fee = {name: Decimal(value) for name, value in trade.items() if isinstance(value, str)}
        children = trade["orders"]["order"]
        items = sum(Decimal(one["discount_fee"]) for one in children)
        assert fee["total_fee"] == sum(Decimal(one["price"]) * one["num"] for one in children)
        off = items + fee["discount_fee"] + fee["platform_subsidy_fee"]
        assert fee["payment"] == fee["total_fee"] - off + fee["post_fee"]
        assert fee["payment"] * 100 == basket.total_minor
        assert sum(Decimal(one["part_mjz_discount"]) for one in children) == fee["discount_fee"]
        promotions = trade.get("promotion_details", {"promotion_detail": []})["promotion_detail"]
        assert sum(Decimal(one["discount_fee"]) for one in promotions) == fee["discount_fee"]
        assert all(
            Decimal(one["divide_order_fee"]) == Decimal(one["total_fee"]) - Decimal(one["part_mjz_discount"])
            for one in children
        )


async def test_a_whole_trade_is_sent_once(erp_for: Open) -> None:
    erp, top = world(erp_for, count=1)
    (tid,) = await acted(erp)
    waybill = {"tid": tid, "out_sid": "SF1", "company_code": "SF"}
    before = (await top.trade(tid))["modified"]
    answer = await top.call(SEND, **waybill)
    assert answer["logistics_online_send_response"]["shipping"] == {"is_success": True}
    for way in ("online", "offline"):
        again = await top.call(f"taobao.logistics.{way}.send", **waybill)
        assert error_of(again) == (15, f"isv.logistics-{way}-service-error:B04")
    trade = await top.trade(tid, "status,modified,consign_time,orders")
    assert trade["status"] == "WAIT_BUYER_CONFIRM_GOODS"
    assert trade["modified"] >= before
    assert {one["invoice_no"] for one in trade["orders"]["order"]} == {"SF1"}
    books = await erp.books()
    assert books["shop_told"] == {tid: {"SF1": 1}}
    assert books["orders"][tid]["refused_back"] == {"SF1": 2}
    shop = books["shops"]["taobao/tm"]
    assert (shop["write_backs"], shop["write_backs_refused"]) == (1, 2)


async def test_child_orders_are_sent_apart(erp_for: Open) -> None:
    erp, top = world(erp_for, count=12)
    await acted(erp)
    order = next(one for one in erp.world.shop.orders.values() if len(one.plan.basket.lines) == 3)
    tid = order.plan.no
    oids = [one["oid_str"] for one in (await top.trade(tid, "orders"))["orders"]["order"]]
    split = {"tid": tid, "company_code": "SF", "is_split": "1"}
    assert error_of(await top.call(SEND, out_sid="SF0", **split)) == (40, "isv.missing-parameter")
    unknown = await top.call(SEND, out_sid="SF0", sub_tid=f"{oids[0]},1", **split)
    assert error_of(unknown) == (15, "isv.logistics-online-service-error:P38")
    await top.call(SEND, out_sid="SF1", sub_tid=",".join(oids[:2]), **split)
    trade = await top.trade(tid, "status,orders.status")
    assert trade["status"] == "SELLER_CONSIGNED_PART"
    sent = [one["status"] for one in trade["orders"]["order"]]
    assert sent == ["WAIT_BUYER_CONFIRM_GOODS"] * 2 + ["WAIT_SELLER_SEND_GOODS"]
    again = await top.call(SEND, out_sid="SF2", sub_tid=oids[1], **split)
    assert error_of(again) == (15, "isv.logistics-online-service-error:B04")
    await top.call(SEND, out_sid="SF3", sub_tid=oids[2], **split)
    assert (await top.trade(tid))["status"] == "WAIT_BUYER_CONFIRM_GOODS"
    assert dict(order.written_back) == {"SF1": 1, "SF3": 1}


@pytest.mark.parametrize(
    ("status", "profile"),
    [
        ("WAIT_BUYER_PAY", {"never_pay_share": 1, "close_unpaid_after": 60}),
        ("TRADE_CLOSED_BY_TAOBAO", {"never_pay_share": 1, "close_unpaid_after": 0}),
        ("TRADE_CLOSED", {"cancel_paid_share": 1, "wms_step": 0, "stage_patience": 0}),
        ("PAID_FORBID_CONSIGN", {"forbid_consign_share": 1, "forbid_consign_seconds": 60}),
    ],
)
async def test_a_trade_that_is_not_to_be_sent_takes_no_waybill(
    erp_for: Open, status: str, profile: dict[str, Any]
) -> None:
    erp, top = world(erp_for, count=6, **profile)
    tid = await reached(erp, status)
    assert (await top.trade(tid))["status"] == status
    answer = await top.call(SEND, tid=tid, out_sid="SF1", company_code="SF")
    assert error_of(answer) == (15, "isv.logistics-online-service-error:B04")


async def test_a_trade_that_nobody_knows_takes_no_waybill(erp_for: Open) -> None:
    _, top = world(erp_for)
    answer = await top.call(SEND, tid="1", out_sid="SF1", company_code="SF")
    assert error_of(answer) == (15, "isv.logistics-online-service-error:B01")
    assert error_of(await top.call(DETAIL, tid="1", fields="tid")) == (15, "isv.trade-not-exist")


async def test_a_forbidden_trade_is_cleared(erp_for: Open) -> None:
    erp, top = world(erp_for, count=1, forbid_consign_share=1, forbid_consign_seconds=0.01)
    (tid,) = await acted(erp)
    assert (await top.trade(tid))["status"] == "WAIT_SELLER_SEND_GOODS"
    assert (await erp.books())["orders"][tid]["messages_sent"] == 2


async def test_a_refund_is_read_by_its_number(erp_for: Open) -> None:
    erp, top = world(erp_for, count=6, cancel_paid_share=1, wms_step=0, stage_patience=0)
    tid = await reached(erp, "TRADE_CLOSED")
    children = (await top.trade(tid, "orders"))["orders"]["order"]
    assert {one["refund_status"] for one in children} == {"SUCCESS"}
    given = Decimal(0)
    for child in children:
        fields = "refund_id,tid,oid,status,refund_fee"
        answer = await top.call("taobao.refund.get", fields=fields, refund_id=child["refund_id"])
        refund = answer["refund_get_response"]["refund"]
        assert (refund["status"], refund["tid"], refund["oid"]) == ("SUCCESS", int(tid), child["oid"])
        given += Decimal(refund["refund_fee"])
    assert given * 100 == erp.world.shop.orders[tid].paid_minor
    answer = await top.call("taobao.refund.get", fields="status", refund_id="1")
    assert error_of(answer) == (15, "isv.refund-not-exist")


async def test_a_session_dies_and_its_refresh_token_works_once(erp_for: Open) -> None:
    erp, top = world(erp_for, count=1, token_seconds=0.05)
    while error_of(await top.call(DETAIL, tid="1", fields="tid")) != (27, "session-expired"):
        assert (await erp.books())["shops"]["taobao/tm"]["tokens_renewed"] == 0
    answer = await top.call(REFRESH, refresh_token="refresh-tm")
    tokens = json.loads(answer["top_auth_token_refresh_response"]["token_result"])
    again = await top.call(REFRESH, refresh_token="refresh-tm")
    assert error_of(again) == (15, "isv.invalid-refresh-token")
    assert error_of(await top.call(DETAIL, tid="1", fields="tid")) == (27, "sessionkey-not-generate-by-isv")
    fresh = Top(erp.client, tokens["access_token"])
    assert error_of(await fresh.call(DETAIL, tid="1", fields="tid"))[0] in (15, 27)
    assert (await fresh.call(REFRESH, refresh_token=tokens["refresh_token"]))["top_auth_token_refresh_response"]
    assert (await erp.books())["shops"]["taobao/tm"]["tokens_renewed"] == 2


async def test_a_lost_answer_never_loses_a_token_and_shows_nothing(erp_for: Open) -> None:
    erp, top = world(erp_for, count=1, lost_answer_share=1)
    (tid,) = await acted(erp)
    assert (await top.post(REFRESH, refresh_token="refresh-tm")).status_code == 503
    assert (await top.post(DETAIL, tid=tid, fields="tid")).status_code == 503
    books = await erp.books()
    assert books["shops"]["taobao/tm"]["tokens_renewed"] == 0
    assert books["orders"][tid]["accepted"] is False
    assert books["finished"] is False, "the buyer was not heard yet"


async def test_a_call_too_many_is_told_how_long_to_wait(erp_for: Open) -> None:
    _, top = world(erp_for, limit_share=1)
    answer = await top.call(DETAIL, tid="1", fields="tid")
    assert error_of(answer) == (7, "accesscontrol.limited-by-api-access-count")
    assert "1 more seconds" in answer["error_response"]["sub_msg"]


async def test_dead_lists_leave_the_detail(erp_for: Open) -> None:
    erp = erp_for(config(count=1, unpaid_first=0, wms_step=60, marketplaces=[taobao(share=1, pull_dead=True)]))
    top = Top(erp.client)
    (tid,) = await acted(erp)
    begins, ends = (stamp(at) for at in window())
    response = await top.post(LIST, fields="tid", start_modified=begins, end_modified=ends)
    assert response.status_code == 503
    assert (await top.trade(tid))["tid_str"] == tid
    assert (await erp.books())["shops"]["taobao/tm"]["lists_refused"] == 1


async def test_each_session_sees_its_own_shop(erp_for: Open) -> None:
    erp = erp_for(config(count=20, unpaid_first=0, wms_step=60, marketplaces=[taobao("a", share=0.5), taobao("b")]))
    await acted(erp)
    mine = await Top(erp.client, "session-a").page(*window())
    other = await Top(erp.client, "session-b").page(*window())
    assert (mine["total_results"], other["total_results"]) == (10, 0)
    tid = mine["trades"]["trade"][0]["tid_str"]
    foreign = await Top(erp.client, "session-b").call(DETAIL, tid=tid, fields="tid")
    assert error_of(foreign) == (15, "isv.trade-not-exist")
    own = [order["channel"] for order in (await erp.books())["orders"].values()]
    assert (own.count("own"), own.count("taobao")) == (10, 10)
