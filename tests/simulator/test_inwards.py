"""What comes in at the simulated warehouse, and what its stocktake finds, as Qimen's tell it (INV-10, INV-13)."""

from collections.abc import Callable
from xml.etree.ElementTree import Element

import pytest

from tests.simulator.erp import Erp, config, create_xml, stamp, until

Open = Callable[..., Erp]
SKU, OTHER = "TEE-WHITE-M", "MUG-350-WH"


def entry_xml(code: str, **changed: str) -> bytes:
    head = {
        "totalOrderLines": "2",
        "entryOrderCode": code,
        "ownerCode": "OWN",
        "warehouseCode": "WH1",
        "orderCreateTime": stamp(),
        "orderType": "CGRK",
    } | changed
    fields = "".join(f"<{name}>{value}</{name}>" for name, value in head.items())
    lines = "".join(
        f"<orderLine><orderLineNo>{n}</orderLineNo><ownerCode>OWN</ownerCode><itemCode>{sku}</itemCode>"
        f"<planQty>{quantity}</planQty></orderLine>"
        for n, (sku, quantity) in enumerate(((SKU, 10), (OTHER, 1)), 1)
    )
    return f"<request><entryOrder>{fields}</entryOrder><orderLines>{lines}</orderLines></request>".encode()


def query(*skus: str, owner: str = "OWN") -> bytes:
    criteria = "".join(
        f"<criteria><warehouseCode>WH1</warehouseCode><ownerCode>{owner}</ownerCode><itemCode>{sku}</itemCode>"
        "<inventoryType>ZP</inventoryType></criteria>"
        for sku in skus
    )
    return f"<request><criteriaList>{criteria}</criteriaList></request>".encode()


def units(message: Element, path: str, quantity: str) -> dict[str, int]:
    return {one.findtext("itemCode") or "": int(one.findtext(quantity) or 0) for one in message.iterfind(path)}


async def test_what_was_announced_arrives_once_is_confirmed_and_lies_on_the_shelf(erp_for: Open) -> None:
    erp = erp_for(config(entry_after=0.01))
    before = erp.world.plan.on_hand
    first, again = [await erp.qimen("entryorder.create", entry_xml("RK1")) for _ in range(2)]
    assert first.findtext("entryOrderId") == again.findtext("entryOrderId") != ""
    await until(lambda: len(erp.stock_messages) == 1)
    (message,) = erp.stock_messages
    assert message.findtext("entryOrder/entryOrderCode") == "RK1"
    assert message.findtext("entryOrder/confirmType") == "0"
    assert units(message, "orderLines/orderLine", "actualQty") == {SKU: 10, OTHER: 1}
    books = await erp.books()
    assert books["entries"] == {"RK1": {"creates": 2, SKU: 10, OTHER: 1}}
    assert books["on_hand"][SKU] == before[SKU] + 10


async def test_goods_in_two_lorries_are_confirmed_by_what_each_brings(erp_for: Open) -> None:
    erp = erp_for(config(entry_after=0.01, partial_confirm_share=1, tells_changes=True))
    await erp.qimen("entryorder.create", entry_xml("RK1"))
    await until(lambda: len(erp.stock_messages) == 4)
    confirms = [one for one in erp.stock_messages if one.find("entryOrder") is not None]
    assert [one.findtext("entryOrder/confirmType") for one in confirms] == ["1", "0"]
    assert [units(one, "orderLines/orderLine", "actualQty") for one in confirms] == [{SKU: 5}, {SKU: 5, OTHER: 1}]
    assert len({one.findtext("entryOrder/outBizCode") for one in confirms}) == 2
    changes = [one for one in erp.stock_messages if one.find("items") is not None]
    assert [one.findtext("items/item/orderCode") for one in changes] == ["RK1", "RK1"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"orderType": "JYCK"}, "orderType"),
        ({"warehouseCode": "WH2"}, "warehouseCode"),
        ({"ownerCode": "X"}, "ownerCode"),
        ({"entryOrderCode": ""}, "entryOrderCode"),
        ({"totalOrderLines": "3"}, "totalOrderLines"),
        ({"orderCreateTime": "today"}, "orderCreateTime"),
    ],
)
async def test_an_entry_is_refused_with_the_field(erp_for: Open, changed: dict[str, str], said: str) -> None:
    erp = erp_for(config())
    answer = await erp.qimen("entryorder.create", entry_xml("RK1", **changed))
    assert (answer.findtext("flag"), said in (answer.findtext("message") or "")) == ("failure", True)
    unknown = entry_xml("RK1").replace(SKU.encode(), b"NOPE")
    assert (await erp.qimen("entryorder.create", unknown)).findtext("code") == "item-not-found"


async def test_a_stocktake_reports_what_it_finds_and_never_loses_what_is_bound(erp_for: Open) -> None:
    erp = erp_for(config(wms_step=60, count_finds={SKU: -100_000, OTHER: 2}))
    await erp.qimen("deliveryorder.create", create_xml("F1", {SKU: 3}))
    before = erp.world.plan.on_hand
    erp.world.inwards.stocktake()
    await until(lambda: len(erp.stock_messages) == 1)
    found = units(erp.stock_messages[0], "items/item", "quantity")
    assert found == {SKU: 3 - before[SKU], OTHER: 2}
    answer = await erp.qimen("inventory.query", query(SKU, OTHER))
    assert units(answer, "items/item", "lockQuantity")[SKU] == 3
    assert units(answer, "items/item", "quantity") == {SKU: 0, OTHER: before[OTHER] + 2}


async def test_a_question_about_strange_goods_or_too_many_is_refused(erp_for: Open) -> None:
    erp = erp_for(config())
    assert "ownerCode" in ((await erp.qimen("inventory.query", query(SKU, owner="X"))).findtext("message") or "")
    many = await erp.qimen("inventory.query", query(*[SKU] * 101))
    assert "more than 100" in (many.findtext("message") or "")
