"""The courier's platform and the own shop's order system, asked by code that signs for itself."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from simulator.warehouse import Delivery, Place
from tests.simulator.erp import Erp, config, create_xml, kdniao_form, own_headers, until

Open = Callable[..., Erp]
QUERY, DIST = "/Ebusiness/EbusinessOrderHandle.aspx", "/api/dist"


async def ask(erp: Erp, path: str, body: bytes) -> dict[str, Any]:
    answer: dict[str, Any] = (await erp.client.post(path, content=body)).json()
    return answer


async def shipped(erp: Erp) -> str:
    """Let one parcel leave and give its waybill."""
    await erp.qimen("deliveryorder.create", create_xml("F-X", {"TEE-WHITE-M": 1}))
    await until(lambda: bool(erp.world.courier.parcels))
    return next(iter(erp.world.courier.parcels))


async def test_an_unsubscribed_parcel_is_found_by_asking(erp_for: Open) -> None:
    erp = erp_for(config(), subscribes=False)
    waybill = await shipped(erp)
    await until(lambda: erp.world.courier.parcels[waybill].signed_at is not None)
    data = {"ShipperCode": "SF", "LogisticCode": waybill, "CustomerName": "9001", "OrderCode": "o"}
    answer = await ask(erp, QUERY, kdniao_form("1002", data))
    assert answer["Success"] is True
    assert (answer["State"], answer["StateEx"], answer["OrderCode"]) == ("3", "301", "o")
    assert answer["Traces"][0]["Action"] == "1"
    assert [one["Action"] for one in answer["Traces"]][-2:] == ["202", "301"]
    assert len(answer["Traces"]) == 12
    assert erp.pushes == {}
    # A late subscription is answered with everything so far.
    await ask(erp, DIST, kdniao_form("1008", {**data, "CallBack": "cb"}))
    await until(lambda: waybill in erp.pushes)
    assert erp.pushes[waybill][0]["State"] == "3"
    assert erp.pushes[waybill][0]["CallBack"] == "cb"


async def test_each_push_holds_the_full_trace(erp_for: Open) -> None:
    erp = erp_for(config())
    waybill = await shipped(erp)
    await until(lambda: len(erp.pushes.get(waybill, [])) >= 12)
    lengths = [len(one["Traces"]) for one in erp.pushes[waybill]]
    assert lengths == sorted(lengths)
    assert erp.pushes[waybill][-1]["State"] == "3"
    assert {one["CallBack"] for one in erp.pushes[waybill]} == {"X"}


async def test_pushes_come_out_of_order_when_told_to_and_none_is_lost(erp_for: Open) -> None:
    erp = erp_for(config(reorder_share=1), subscribes=True)
    waybill = await shipped(erp)
    await until(lambda: len(erp.pushes.get(waybill, [])) >= 12)
    lengths = [len(one["Traces"]) for one in erp.pushes[waybill]]
    assert lengths != sorted(lengths)
    assert set(range(1, 13)) <= set(lengths)


@pytest.mark.parametrize(
    ("path", "kind", "data", "changed", "reason"),
    [
        (QUERY, "1002", {"ShipperCode": "SF", "LogisticCode": "SF1"}, {}, "CustomerName"),
        (QUERY, "1002", {"ShipperCode": "SF", "CustomerName": "1234"}, {}, "LogisticCode"),
        (QUERY, "1002", {"ShipperCode": "NOPE", "LogisticCode": "1"}, {}, "快递公司编码"),
        (QUERY, "1008", {"ShipperCode": "YTO", "LogisticCode": "1"}, {}, "RequestType"),
        (DIST, "1002", {"ShipperCode": "YTO", "LogisticCode": "1"}, {}, "RequestType"),
        (DIST, "1008", {"ShipperCode": "YTO", "LogisticCode": "1"}, {"EBusinessID": "9"}, "用户ID"),
        (DIST, "1008", {"ShipperCode": "YTO", "LogisticCode": "1"}, {"DataSign": "bad"}, "签名"),
        (DIST, "1008", {"ShipperCode": "YTO", "LogisticCode": "1"}, {"DataType": "1"}, "DataType"),
    ],
)
async def test_the_courier_refuses_with_a_reason(
    erp_for: Open, path: str, kind: str, data: dict[str, str], changed: dict[str, str], reason: str
) -> None:
    answer = await ask(erp_for(config()), path, kdniao_form(kind, data, **changed))
    assert answer["Success"] is False
    assert reason in answer["Reason"]


async def test_a_strangers_phone_opens_no_trace_and_an_unknown_waybill_has_none(erp_for: Open) -> None:
    erp = erp_for(config(), subscribes=False)
    data = {"ShipperCode": "SF", "LogisticCode": await shipped(erp), "CustomerName": "0000"}
    assert (await ask(erp, QUERY, kdniao_form("1002", data)))["Success"] is False
    unknown = await ask(erp, QUERY, kdniao_form("1002", {**data, "LogisticCode": "SF0"}))
    assert (unknown["Success"], unknown["State"], unknown["Traces"]) == (True, "0", [])


async def paid_order(erp: Erp) -> tuple[str, str]:
    erp.world.start()
    await until(lambda: bool(erp.world.shop.orders))
    order = next(iter(erp.world.shop.orders.values()))
    await until(lambda: order.status == "paid")
    return order.plan.no, order.plan.basket.lines[0].sku


def write_back(no: str, sku: str, /, **changed: object) -> bytes:
    told = {
        "order_no": no,
        "carrier": "SF",
        "waybill_no": "SF-A",
        "shipped_at": "2026-11-22T22:10:00+08:00",
        "items": [{"sku": sku, "quantity": 1}],
        **changed,
    }
    return json.dumps({"shipment": told}).encode()


async def test_the_shop_takes_a_write_back_once_per_event(erp_for: Open) -> None:
    erp = erp_for(config(count=1, wms_step=60))
    order_no, sku = await paid_order(erp)
    body = write_back(order_no, sku)
    for event, duplicate in (("e1", False), ("e1", True), ("e2", False)):
        answer = await erp.client.post("/own/mine/shipments", content=body, headers=own_headers(event, body))
        assert answer.json() == {"accepted": True, "duplicate": duplicate}
    assert (await erp.books())["shop_told"] == {order_no: {"SF-A": 2}}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"order_no": "D0"}, "order_no"),
        ({"carrier": ""}, "carrier"),
        ({"shipped_at": "2026-11-22T22:10:00"}, "shipped_at"),
        ({"items": []}, "items"),
        ({"items": [{"sku": "OTHER", "quantity": 1}]}, "OTHER"),
    ],
)
async def test_the_shop_names_the_field_it_cannot_take(erp_for: Open, changed: dict[str, object], said: str) -> None:
    erp = erp_for(config(count=1, wms_step=60))
    order_no, sku = await paid_order(erp)
    body = write_back(order_no, sku, **changed)
    answer = await erp.client.post("/own/mine/shipments", content=body, headers=own_headers("e", body))
    assert answer.status_code == 422
    assert said in answer.json()["error"]


async def test_the_shop_tells_an_order_as_it_is_now_to_who_signs(erp_for: Open) -> None:
    erp = erp_for(config(count=1, wms_step=60))
    order_no, sku = await paid_order(erp)
    told = (await erp.read(order_no)).json()["order"]
    assert (told["no"], told["status"], told["lines"][0]["sku"]) == (order_no, "paid", sku)
    assert (await erp.read("D0")).status_code == 404
    assert (await erp.client.get("/own/other/orders/D0")).status_code == 404
    refused = await erp.read(order_no, secret="other")
    assert refused.status_code == 401
    assert "Signature" in refused.json()["error"]


async def test_the_shop_refuses_another_secret(erp_for: Open) -> None:
    headers = own_headers("e", b"{}", secret="other")
    answer = await erp_for(config()).client.post("/own/mine/shipments", content=b"{}", headers=headers)
    assert answer.status_code == 401
    assert "Signature" in answer.json()["error"]


async def test_waybills_do_not_depend_on_scheduling(erp_for: Open) -> None:
    place = Place("13800138000", "广东省", "深圳市")
    numbers = []
    for _ in range(2):
        picking = erp_for(config()).world.picking
        numbers.append([picking.waybill(Delivery(f"F{n}", "JYCK", "YTO", place, place, ())) for n in range(3)])
    assert numbers[0] == numbers[1]
    assert all(number.startswith("YT") and len(number) == 15 for number in numbers[0])
