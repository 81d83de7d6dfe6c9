"""Goods that buyers send back to the simulated warehouse, as Qimen's tell of them (AFT-3, AFT-6)."""

from collections.abc import Callable

import pytest

from simulator.clock import now
from simulator.courier import JOURNEY
from simulator.warehouse import Delivery, Fulfilment, Place
from tests.simulator.erp import Erp, config, until

Open = Callable[..., Erp]
SKU, OTHER = "TEE-WHITE-M", "MUG-350-WH"
HOUSE, BUYER = Place("13900005678", "广东省", "广州市"), Place("13800138000", "浙江省", "杭州市")
DELIVERY = Delivery("F1", "JYCK", "SF", HOUSE, BUYER, ())


def return_xml(code: str, **changed: str) -> bytes:
    head = {
        "returnOrderCode": code,
        "warehouseCode": "WH1",
        "orderType": "THRK",
        "preDeliveryOrderCode": "F1",
        "logisticsCode": "SF",
    } | changed
    fields = "".join(f"<{name}>{value}</{name}>" for name, value in head.items())
    line = (
        f"<orderLine><orderLineNo>1</orderLineNo><ownerCode>OWN</ownerCode><itemCode>{SKU}</itemCode>"
        "<planQty>2</planQty></orderLine>"
    )
    return f"<request><returnOrder>{fields}</returnOrder><orderLines>{line}</orderLines></request>".encode()


def query_xml(code: str) -> bytes:
    return f"<request><ownerCode>OWN</ownerCode><returnOrderCode>{code}</returnOrderCode></request>".encode()


def cancel_xml(code: str) -> bytes:
    return (
        f"<request><warehouseCode>WH1</warehouseCode><ownerCode>OWN</ownerCode><orderCode>{code}</orderCode>"
        "<orderType>THRK</orderType></request>"
    ).encode()


Units = dict[tuple[str | None, str | None], int]


def lines(root: object) -> Units:
    found = root.iterfind("orderLines/orderLine")  # type: ignore[attr-defined]
    return {(one.findtext("itemCode"), one.findtext("inventoryType")): int(one.findtext("actualQty")) for one in found}


@pytest.mark.parametrize(
    ("fate", "came", "named"),
    [
        ("good", {(SKU, "ZP"): 2}, True),
        ("damaged", {(SKU, "CC"): 2}, True),
        ("mixed", {(SKU, "ZP"): 1, (SKU, "CC"): 1}, True),
        ("fewer", {(SKU, "ZP"): 1}, True),
        ("unnamed", {(SKU, "ZP"): 2}, False),
    ],
)
async def test_a_return_comes_as_the_plan_says_and_is_confirmed_once(
    erp_for: Open, fate: str, came: Units, named: bool
) -> None:
    erp = erp_for(config(return_after=0.01, return_fates={fate: 1.0}))
    before = sum(erp.world.warehouse.stock.values())
    first, again = [await erp.qimen("returnorder.create", return_xml("C1")) for _ in range(2)]
    assert first.findtext("returnOrderId") == again.findtext("returnOrderId") != ""
    await until(lambda: len(erp.stock_messages) == 1)
    (message,) = erp.stock_messages
    assert (message.findtext("returnOrder/returnOrderCode") == "C1") is named
    assert (message.findtext("returnOrder/expressCode") or "").startswith("SF")
    assert lines(message) == came
    assert sum(erp.world.warehouse.stock.values()) - before == sum(came.values())
    assert lines(await erp.qimen("returnorder.query", query_xml("C1"))) == came
    assert (await erp.qimen("order.cancel", cancel_xml("C1"))).findtext("code") == "order-received"


async def test_parcels_arrive_at_a_word_and_strangers_parcels_too(erp_for: Open) -> None:
    erp = erp_for(config(return_after=None))
    await erp.qimen("returnorder.create", return_xml("C1"))
    await erp.qimen("returnorder.create", return_xml("C2"))
    assert (await erp.qimen("order.cancel", cancel_xml("C2"))).findtext("flag") == "success"
    assert (await erp.qimen("returnorder.create", return_xml("C2"))).findtext("code") == "order-canceled"
    assert (await erp.client.post("/sim/returns", json={"code": "C1", "fate": "other"})).json()["ok"]
    assert (await erp.client.post("/sim/returns", json={"sku": SKU, "units": 3})).json()["ok"]
    assert (await erp.client.post("/sim/returns", json={"code": "C9"})).status_code == 404
    assert (await erp.client.post("/sim/returns", json={})).status_code == 422
    await until(lambda: len(erp.stock_messages) == 2)
    assert SKU not in {sku for sku, _ in lines(erp.stock_messages[0])}
    assert lines(erp.stock_messages[1]) == {(SKU, "ZP"): 3}
    told = (await erp.client.get("/sim/returns")).json()
    assert [(one["code"], one["status"]) for one in told] == [
        ("C1", "FULFILLED"),
        ("C2", "CANCELED"),
        ("", "FULFILLED"),
    ]


async def test_a_lost_confirm_is_found_by_asking(erp_for: Open) -> None:
    """INT-17."""
    erp = erp_for(config(return_after=None, confirm_lost_share=1.0))
    await erp.qimen("returnorder.create", return_xml("C1"))
    assert lines(await erp.qimen("returnorder.query", query_xml("C1"))) == {}
    await erp.client.post("/sim/returns", json={"code": "C1"})
    assert lines(await erp.qimen("returnorder.query", query_xml("C1"))) == {(SKU, "ZP"): 2}
    assert erp.stock_messages == []
    assert (await erp.qimen("returnorder.query", query_xml("C9"))).findtext("code") == "order-not-found"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"orderType": "JYCK"}, "orderType"),
        ({"warehouseCode": "WH2"}, "warehouseCode"),
        ({"returnOrderCode": ""}, "returnOrderCode"),
        ({"preDeliveryOrderCode": ""}, "preDeliveryOrderCode"),
        ({"logisticsCode": ""}, "logisticsCode"),
    ],
)
async def test_a_return_is_refused_with_the_field(erp_for: Open, changed: dict[str, str], said: str) -> None:
    erp = erp_for(config())
    told = await erp.qimen("returnorder.create", return_xml("C1", **changed))
    assert (told.findtext("flag"), said in (told.findtext("message") or "")) == ("failure", True)


async def test_a_buyers_parcel_travels_once_it_is_named_and_is_signed_for_when_it_is_opened(erp_for: Open) -> None:
    """AFT-4: announced again with its waybill; from then on the courier knows where it is."""
    erp = erp_for(config(return_after=None, courier_step=0.01))
    erp.world.warehouse.fulfilments["F1"] = Fulfilment(DELIVERY, "CK1", now())
    await erp.qimen("returnorder.create", return_xml("C1"))
    assert erp.world.courier.returning == {}
    again = await erp.qimen("returnorder.create", return_xml("C1", expressCode="SFBACK"))
    assert again.findtext("flag") == "success"
    parcel = erp.world.courier.returning["SFBACK"]
    assert parcel.last_digits() == {"8000", "5678"}
    await until(lambda: len(parcel.traces) == len(JOURNEY) - 1)
    assert parcel.signed_at is None, "it lies at the door until it is opened"
    erp.world.inwards.returns.send("C1", "good")
    assert parcel.signed_at is not None
    assert erp.world.signed() == 0, "it is no order's parcel"
    assert [parcel.traces[n]["Action"] for n in (0, -1)] == ["1", "301"]
    assert (parcel.traces[0]["Location"], parcel.traces[-1]["Location"]) == ("杭州市", "广州市")
    await erp.qimen("returnorder.create", return_xml("C1", expressCode="SFOTHER"))
    assert list(erp.world.courier.returning) == ["SFBACK"]
