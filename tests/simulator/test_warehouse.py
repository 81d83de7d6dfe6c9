"""The warehouse accepts, refuses, holds and cancels as Qimen's warehouses do."""

from collections.abc import Callable

import pytest

from tests.simulator.erp import Erp, config, create_xml, until

Open = Callable[..., Erp]
SKU, OTHER = "TEE-WHITE-M", "MUG-350-WH"
REFERENCE = "<warehouseCode>WH1</warehouseCode><ownerCode>OWN</ownerCode><orderCode>F1</orderCode>"


def referring(extra: str = "") -> bytes:
    return f"<request>{REFERENCE}{extra}</request>".encode()


async def test_a_create_is_idempotent_on_its_code(erp_for: Open) -> None:
    erp = erp_for(config())
    body = create_xml("F1", {SKU: 2})
    first = await erp.qimen("deliveryorder.create", body)
    again = await erp.qimen("deliveryorder.create", body)
    assert first.findtext("flag") == again.findtext("flag") == "success"
    assert first.findtext("deliveryOrderId") == again.findtext("deliveryOrderId")
    await until(lambda: len(erp.confirms) == 1)
    books = await erp.books()
    assert books["warehouse"]["F1"]["creates"] == 2
    assert books["warehouse"]["F1"]["units"] == {SKU: 2}
    assert books["warehouse"]["F1"]["shipments"] == 1
    assert books["on_hand"][SKU] == erp.world.plan.on_hand[SKU] - 2
    assert erp.stages["F1"] == ["ACCEPT", "PRINT", "PICK", "CHECK", "PACKAGE", "WEIGH"]


@pytest.mark.parametrize(
    ("old", "new", "code", "said"),
    [
        ("<orderType>JYCK</orderType>", "", "isv.missing-parameter", "orderType"),
        ("<mobile>13900139001</mobile>", "", "isv.missing-parameter", "mobile"),
        ("<shopNick>shop</shopNick>", "", "isv.missing-parameter", "shopNick"),
        ("<actualPrice>9.90</actualPrice>", "", "isv.missing-parameter", "actualPrice"),
        ("<planQty>1</planQty>", "<planQty>1.5</planQty>", "isv.invalid-parameter", "planQty"),
        ("<planQty>1</planQty>", "<planQty>0</planQty>", "isv.invalid-parameter", "planQty"),
        ("<freight>6</freight>", "<freight>5</freight>", "amount-mismatch", "totalAmount"),
        ("<gotAmount>15.80", "<gotAmount>15.79", "amount-mismatch", "totalAmount"),
        ("<gotAmount>15.80", "<gotAmount>15.801", "isv.invalid-parameter", "gotAmount"),
        (f"<itemCode>{SKU}", "<itemCode>NOPE", "item-not-found", "NOPE"),
        ("<planQty>1</planQty>", "<planQty>9999</planQty>", "stock-not-enough", SKU),
        ("<logisticsCode>SF", "<logisticsCode>FEDEX", "isv.invalid-parameter", "logisticsCode"),
        ("<warehouseCode>WH1", "<warehouseCode>WH2", "isv.invalid-parameter", "warehouseCode"),
        ("</request>", "", "isv.invalid-xml", "well-formed"),
        ("<request>", '<!DOCTYPE x [<!ENTITY e "e">]><request>', "isv.invalid-xml", "well-formed"),
    ],
)
async def test_a_create_is_refused(erp_for: Open, old: str, new: str, code: str, said: str) -> None:
    erp = erp_for(config())
    text = create_xml("F1", {SKU: 1}).decode()
    assert old in text
    answer = await erp.qimen("deliveryorder.create", text.replace(old, new, 1).encode())
    assert answer.findtext("flag") == "failure"
    assert answer.findtext("code") == code
    assert said in (answer.findtext("message") or "")
    assert (await erp.books())["warehouse"] == {}


async def test_bad_calls_are_refused_at_the_door(erp_for: Open) -> None:
    erp = erp_for(config())
    for changed, code in (
        ({"app_key": "x"}, "invalid appkey"),
        ({"customerId": "x"}, "invalid-customer"),
        ({"timestamp": "2020-01-01 00:00:00"}, "isv.invalid-timestamp"),
        ({"method": "taobao.qimen.nothing"}, "isv.invalid-method"),
    ):
        answer = await erp.qimen("deliveryorder.query", referring(), **changed)
        assert answer.findtext("code") == code


async def test_cancel_gives_the_stock_back_before_picking(erp_for: Open) -> None:
    erp = erp_for(config(wms_step=60))
    await erp.qimen("deliveryorder.create", create_xml("F1", {SKU: 3}))
    query = f"<request><criteriaList><criteria><itemCode>{SKU}</itemCode><inventoryType>ZP</inventoryType>"
    query += "</criteria></criteriaList></request>"
    locked = await erp.qimen("inventory.query", query.encode())
    for _ in range(2):
        answer = await erp.qimen("order.cancel", referring())
        assert answer.findtext("flag") == "success"
    free = await erp.qimen("inventory.query", query.encode())
    on_hand = erp.world.plan.on_hand[SKU]
    assert [locked.findtext("items/item/lockQuantity"), locked.findtext("items/item/quantity")] == [
        "3",
        str(on_hand - 3),
    ]
    assert [free.findtext("items/item/lockQuantity"), free.findtext("items/item/quantity")] == [
        "0",
        str(on_hand),
    ]
    answer = await erp.qimen("deliveryorder.create", create_xml("F1", {SKU: 3}))
    assert answer.findtext("code") == "order-canceled"


async def test_cancel_is_refused_once_picking_has_begun(erp_for: Open) -> None:
    erp = erp_for(config())
    await erp.qimen("deliveryorder.create", create_xml("F1", {SKU: 1}))
    fulfilment = erp.world.warehouse.fulfilments["F1"]
    await until(lambda: fulfilment.picked)
    answer = await erp.qimen("order.cancel", referring())
    assert answer.findtext("flag") == "failure"
    assert answer.findtext("code") in ("order-picked", "order-shipped")
    await until(lambda: fulfilment.status == "DELIVERED")
    assert (await erp.qimen("order.cancel", referring())).findtext("code") == "order-shipped"


async def test_pending_holds_the_work_until_restored(erp_for: Open) -> None:
    erp = erp_for(config(wms_step=0.05))
    await erp.qimen("deliveryorder.create", create_xml("F1", {SKU: 1}))
    pending = await erp.qimen("order.pending", referring("<actionType>pending</actionType>"))
    assert pending.findtext("flag") == "success"
    await erp.qimen("deliveryorder.create", create_xml("F2", {SKU: 1}))
    await until(lambda: erp.world.warehouse.fulfilments["F2"].status == "DELIVERED")
    assert erp.world.warehouse.fulfilments["F1"].status == "NEW"
    await erp.qimen("order.pending", referring("<actionType>restore</actionType>"))
    await until(lambda: erp.world.warehouse.fulfilments["F1"].status == "DELIVERED")


async def test_a_split_and_partial_delivery_adds_up(erp_for: Open) -> None:
    erp = erp_for(config(split_package_share=1, partial_confirm_share=1))
    await erp.qimen("deliveryorder.create", create_xml("F1", {SKU: 3, OTHER: 2}))
    await until(lambda: len(erp.confirms) == 2)
    assert [one.findtext("deliveryOrder/confirmType") for one in erp.confirms] == ["1", "0"]
    assert [one.findtext("deliveryOrder/status") for one in erp.confirms] == ["PARTDELIVERED", "DELIVERED"]
    assert len({one.findtext("deliveryOrder/outBizCode") for one in erp.confirms}) == 2
    told: dict[str, int] = {SKU: 0, OTHER: 0}
    packed: dict[str, int] = {SKU: 0, OTHER: 0}
    for confirm in erp.confirms:
        assert len(confirm.findall("packages/package")) >= 2
        for line in confirm.iterfind("orderLines/orderLine"):
            told[line.findtext("itemCode") or ""] += int(line.findtext("actualQty") or 0)
        for item in confirm.iterfind("packages/package/items/item"):
            packed[item.findtext("itemCode") or ""] += int(item.findtext("quantity") or 0)
    assert told == packed == (await erp.books())["warehouse"]["F1"]["units"] == {SKU: 3, OTHER: 2}
    query = await erp.qimen("deliveryorder.query", referring())
    assert query.findtext("deliveryOrder/status") == "DELIVERED"
    assert len(query.findall("packages/package")) == len((await erp.books())["warehouse"]["F1"]["waybills"])
    assert query.findtext("totalLines") == "2"


async def test_a_warehouse_may_report_some_of_its_stages_only(erp_for: Open) -> None:
    erp = erp_for(config(reported_stages=["ACCEPT", "PACKAGE"], reorder_share=1))
    await erp.qimen("deliveryorder.create", create_xml("F1", {SKU: 2}))
    await until(lambda: len(erp.confirms) == 1 and len(erp.stages.get("F1", [])) == 2)
    assert sorted(erp.stages["F1"]) == ["ACCEPT", "PACKAGE"]


async def test_one_unit_stays_one_parcel(erp_for: Open) -> None:
    erp = erp_for(config(split_package_share=1, partial_confirm_share=1))
    await erp.qimen("deliveryorder.create", create_xml("F1", {SKU: 1}))
    await until(lambda: len(erp.confirms) == 1)
    assert erp.confirms[0].findtext("deliveryOrder/confirmType") == "0"
    assert len(erp.confirms[0].findall("packages/package")) == 1
