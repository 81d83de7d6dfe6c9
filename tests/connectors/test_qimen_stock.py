"""What a Qimen warehouse says of its stock, and what it is told of what will arrive (INV-10, INV-13)."""

from dataclasses import replace
from datetime import UTC, datetime
from xml.etree.ElementTree import Element

import pytest

from connectors.inbound import Genuine
from connectors.warehouses.qimen_inbound import QimenInbound
from domain.counting import Counted, Grade
from domain.errors import Broken, Refused, Unparsable
from domain.inbound import Entry, Units
from domain.observations import EntryConfirmed, ReceivedLine, StockChange, StockReported
from tests.connectors.test_qimen_calls import no, says, sent, wms
from tests.connectors.worlds import NOW, QIMEN, Stranger, push

ENTRY = Entry("RK1", "GZ01", False, "ACME", NOW, NOW, (Units("TEE", 10), Units("CAP", 2)))


def read(method: str, body: str) -> Genuine:
    query = {"method": f"taobao.qimen.{method}", "timestamp": "2026-11-22 21:29:00"}
    headers = {"content-type": "text/xml;charset=utf-8"}
    return QimenInbound(QIMEN).parse(push(f"<request>{body}</request>".encode(), query, headers))


def item(**fields: str) -> str:
    return f"<item>{''.join(f'<{name}>{value}</{name}>' for name, value in fields.items())}</item>"


def stock(*items: str) -> str:
    return f"<response><flag>success</flag><items>{''.join(items)}</items></response>"


async def test_stock_is_asked_for_sku_by_sku_and_frozen_units_lie_there_as_well() -> None:
    answer = stock(
        item(warehouseCode="GZ01", itemCode="TEE", inventoryType="ZP", quantity="7", lockQuantity="3"),
        item(warehouseCode="GZ01", itemCode="TEE", inventoryType="ZP", quantity="2.0000", batchCode="B2"),
        item(warehouseCode="GZ01", itemCode="TEE", inventoryType="CC", quantity="1"),
        item(warehouseCode="GZ01", itemCode="TEE", inventoryType="XS", quantity="4"),
        item(warehouseCode="GZ01", itemCode="TEE", inventoryType="ZT", quantity="50"),
        item(warehouseCode="SH01", itemCode="CAP", inventoryType="ZP", quantity="9"),
    )
    stranger = Stranger(says(answer))
    found = await wms(stranger).stock("GZ01", ["TEE", "CAP"])
    assert found == {("TEE", Grade.GOOD): Counted(12, 3), ("TEE", Grade.DEFECTIVE): Counted(5)}
    query, root = sent(stranger)
    assert query["method"] == "taobao.qimen.inventory.query"
    asked = [(one.findtext("itemCode"), one.findtext("ownerCode")) for one in root.findall("criteriaList/criteria")]
    assert asked == [("TEE", "OWN1"), ("CAP", "OWN1")]


@pytest.mark.parametrize("quantity", ["", "x", "1.5", "-2"])
async def test_stock_that_is_no_number_breaks_the_count_and_changes_nothing(quantity: str) -> None:
    answer = stock(item(itemCode="TEE", quantity="1", lockQuantity=quantity or "y"))
    with pytest.raises(Broken, match=r"items.item\[0\].lockQuantity"):
        await wms(Stranger(says(answer))).stock("GZ01", ["TEE"])


async def test_a_warehouse_that_does_not_answer_about_stock_refuses() -> None:
    with pytest.raises(Refused, match="not offered"):
        await wms(Stranger(no("isv.invalid-method", "not offered"))).stock("GZ01", ["TEE"])


def head_of(root: Element) -> dict[str, str | None]:
    return {node.tag: node.text for node in root.findall("entryOrder/*")}


async def test_what_will_arrive_is_announced_whole_and_a_repeat_is_no_refusal() -> None:
    stranger = Stranger(says("<response><flag>success</flag><entryOrderId>E7</entryOrderId></response>"))
    assert await wms(stranger).announce(ENTRY) == "E7"
    _, root = sent(stranger)
    assert head_of(root) == {
        "totalOrderLines": "2",
        "entryOrderCode": "RK1",
        "ownerCode": "OWN1",
        "warehouseCode": "GZ01",
        "orderCreateTime": "2026-11-22 21:30:00",
        "orderType": "CGRK",
        "expectStartTime": "2026-11-22 21:30:00",
        "supplierName": "ACME",
    }
    lines = [(one.findtext("itemCode"), one.findtext("planQty")) for one in root.findall("orderLines/orderLine")]
    assert lines == [("TEE", "10"), ("CAP", "2")]
    assert await wms(Stranger(no("E1", "入库单已存在"))).announce(ENTRY) == ""
    with pytest.raises(Refused, match="not known"):
        await wms(Stranger(no("E2", "item not known"))).announce(ENTRY)


async def test_a_transfer_is_announced_as_one_and_names_no_supplier() -> None:
    stranger = Stranger(says("<response><flag>success</flag></response>"))
    await wms(stranger).announce(replace(ENTRY, transfer=True, eta=None))
    head = head_of(sent(stranger)[1])
    assert (head["orderType"], "supplierName" in head, "expectStartTime" in head) == ("DBRK", False, False)


ENTRY_HEAD = "<entryOrderCode>RK1</entryOrderCode><warehouseCode>GZ01</warehouseCode>"


def confirmed(head: str, lines: str) -> EntryConfirmed:
    body = f"<entryOrder>{ENTRY_HEAD}{head}</entryOrder><orderLines>{lines}</orderLines>"
    (seen,) = read("entryorder.confirm", body).observations
    assert isinstance(seen, EntryConfirmed)
    return seen


LINE = "<orderLine><orderLineNo>1</orderLineNo><itemCode>TEE</itemCode><actualQty>4</actualQty>{0}</orderLine>"
BATCHES = (
    "<batchs><batch><inventoryType>ZP</inventoryType><actualQty>3</actualQty></batch>"
    "<batch><inventoryType>CC</inventoryType><actualQty>{0}</actualQty></batch></batchs>"
)


def test_a_receipt_is_read_with_its_grades() -> None:
    head = "<outBizCode>OB-1</outBizCode><confirmType>1</confirmType><operateTime>2026-11-22 20:00:00</operateTime>"
    seen = confirmed(head, LINE.format(""))
    assert (seen.entry_no, seen.confirm_id, seen.final) == ("RK1", "OB-1", False)
    assert seen.confirmed_at == datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    assert seen.lines == (ReceivedLine("TEE", Grade.GOOD, 4, "1"),)
    mixed = confirmed("<status>FULFILLED</status>", LINE.format(BATCHES.format(1)))
    assert mixed.final
    assert mixed.lines == (ReceivedLine("TEE", Grade.GOOD, 3, "1"), ReceivedLine("TEE", Grade.DEFECTIVE, 1, "1"))
    damaged = confirmed("", LINE.format("<inventoryType>XS</inventoryType>"))
    assert damaged.lines == (ReceivedLine("TEE", Grade.DEFECTIVE, 4, "1"),)


def test_a_step_is_no_receipt_and_a_rejection_is_told() -> None:
    step = confirmed("<status>ACCEPT</status><confirmType>0</confirmType>", "")
    assert (step.lines, step.final, step.refused) == ((), False, False)
    assert confirmed("<status>REJECT</status>", "").refused


@pytest.mark.parametrize(
    ("head", "lines", "said"),
    [
        ("", "", "orderLines: none given"),
        ("", LINE.format(BATCHES.format(2)), "its batches add up to 5, actualQty is 4"),
        ("", LINE.format("<inventoryType>QQ</inventoryType>"), "inventoryType is none of"),
        ("", LINE.replace("4", "4.5"), "actualQty is not a whole number"),
    ],
)
def test_a_receipt_that_contradicts_itself_is_refused_with_the_place(head: str, lines: str, said: str) -> None:
    with pytest.raises(Unparsable, match=said):
        confirmed(head, lines)


def test_a_stocktake_is_read_as_changes_and_each_page_is_kept_once() -> None:
    head = "<warehouseCode>GZ01</warehouseCode><checkOrderCode>PD-7</checkOrderCode><outBizCode>OB-9</outBizCode>"
    items = item(itemCode="TEE", quantity="-3", batchCode="1") + item(itemCode="TEE", quantity="-1", batchCode="2")
    items += item(itemCode="CAP", quantity="+2", inventoryType="CC") + item(itemCode="HAT", quantity="0")
    genuine = read("inventory.report", f"{head}<currentPage>2</currentPage><items>{items}</items>")
    assert genuine.key == "stocktake:GZ01:OB-9:2"
    (seen,) = genuine.observations
    assert isinstance(seen, StockReported)
    assert seen.changes == (StockChange("TEE", Grade.GOOD, -4, "PD-7"), StockChange("CAP", Grade.DEFECTIVE, 2, "PD-7"))


def test_changes_are_read_message_by_message_with_the_document_that_caused_them() -> None:
    one = item(warehouseCode="GZ01", itemCode="TEE", quantity="-1", outBizCode="C1", orderCode="F1", orderType="JYCK")
    two = item(warehouseCode="GZ01", itemCode="CAP", quantity="5", outBizCode="C2", changeTime="2026-11-22 20:00:00")
    first, second = read("stockchange.report", f"<items>{one}{two}</items>").observations
    assert isinstance(first, StockReported)
    assert isinstance(second, StockReported)
    assert (first.report_id, first.changes) == ("C1", (StockChange("TEE", Grade.GOOD, -1, "F1"),))
    assert (second.report_id, second.reported_at) == ("C2", datetime(2026, 11, 22, 12, 0, tzinfo=UTC))


def test_a_change_without_a_number_is_refused_with_its_place() -> None:
    with pytest.raises(Unparsable, match=r"items.item\[0\].quantity is not a whole number"):
        read("stockchange.report", f"<items>{item(warehouseCode='GZ01', itemCode='TEE', quantity='many')}</items>")
