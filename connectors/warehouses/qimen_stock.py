"""Qimen's messages about stock: counting it, what a warehouse tells of it, and what arrives there.

Owns the field names and leniencies of inventory.query, inventory.report (盘点), stockchange.report, entryorder.create
and entryorder.confirm. Grades: ZP is good; CC (defective), JS (damaged by a machine) and XS (box damaged) are all
defective to us; ZT is not on the shelf yet and counts for nothing. Source: classes of the official SDK (backends.md
1.5).
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from xml.etree.ElementTree import Element

from connectors.fields import MAX_ID, param, show_local
from connectors.warehouses.qimen_messages import GOOD_STOCK, given, moment, required, units
from connectors.warehouses.qimen_xml import Tree, text, write_xml
from domain.counting import Answer, Counted, Grade
from domain.errors import Unparsable
from domain.inbound import Entry
from domain.observations import EntryConfirmed, ReceivedLine, StockChange, StockReported
from domain.shops import Shop

GRADES: Mapping[str, Grade | None] = {
    "ZP": Grade.GOOD, "CC": Grade.DEFECTIVE, "JS": Grade.DEFECTIVE, "XS": Grade.DEFECTIVE, "ZT": None,
}  # fmt: skip
PURCHASE, TRANSFER = "CGRK", "DBRK"
MAX_ITEMS = 2_000
NOT_TAKEN = {"CANCELED", "CLOSED", "REJECT"}
NOTHING_YET = {"NEW", "ACCEPT", "EXCEPTION", "CANCELEDFAIL"}
"""An entry confirmation with such a status tells of a step, not of goods; one with lines is believed all the same."""

_SIGNED = re.compile(r"[+-]?\d{1,9}(?:\.0{1,6})?", re.ASCII)


def inventory_query(warehouse: str, skus: Sequence[str], shop: Shop) -> bytes:
    """Write inventory.query: one criterion per SKU, without a grade, which asks for all of them."""
    owner = param(shop, "owner")
    criteria = [{"warehouseCode": warehouse, "ownerCode": owner, "itemCode": sku} for sku in skus]
    return write_xml("request", {"criteriaList": {"criteria": criteria}})


def read_inventory(root: Element, warehouse: str) -> Answer:
    """Read the answer: frozen units (`lockQuantity`) lie there as well; batches of one SKU are added up."""
    found: dict[tuple[str, Grade], Counted] = {}
    for index, node in enumerate(root.findall("items/item")):
        where = f"items.item[{index}]"
        grade = _grade(node, where)
        if grade is None or text(node, "warehouseCode") not in {"", warehouse}:
            continue
        sku = required(node, "itemCode", where)
        free = units(text(node, "quantity") or "0", f"{where}.quantity")
        locked = units(text(node, "lockQuantity") or "0", f"{where}.lockQuantity")
        known = found.get((sku, grade), Counted(0))
        found[sku, grade] = Counted(known.units + free + locked, known.locked + locked)
    return found


def entry_body(entry: Entry, shop: Shop) -> bytes:
    """Write entryorder.create in one request: purchase (CGRK) or transfer (DBRK)."""
    owner = param(shop, "owner")
    head: dict[str, Tree] = {
        "totalOrderLines": str(len(entry.lines)),
        "entryOrderCode": entry.no,
        "ownerCode": owner,
        "warehouseCode": entry.warehouse,
        "orderCreateTime": show_local(entry.created_at, shop.tz),
        "orderType": TRANSFER if entry.transfer else PURCHASE,
        "expectStartTime": show_local(entry.eta, shop.tz) if entry.eta else "",
        "supplierName": "" if entry.transfer else entry.supplier,
    }
    lines: list[Tree] = [
        {
            "orderLineNo": str(n),
            "ownerCode": owner,
            "itemCode": line.sku,
            "planQty": str(line.quantity),
            "inventoryType": GOOD_STOCK,
        }
        for n, line in enumerate(entry.lines, 1)
    ]
    return write_xml("request", {"entryOrder": given(head), "orderLines": {"orderLine": lines}})


def read_entry(root: Element, shop: Shop, sent_at: datetime, digest: str) -> EntryConfirmed:
    """Read entryorder.confirm; quantities are increments. Without an outBizCode the body itself names the message."""
    head = root.find("entryOrder")
    number = required(head, "entryOrderCode", "entryOrder")
    status = text(head, "status").upper()
    lines = received(root)
    if not lines and status not in NOT_TAKEN | NOTHING_YET:
        raise Unparsable("orderLines: none given; say what arrived")
    kind = text(head, "confirmType")
    final = kind == "0" if kind in {"0", "1"} else status == "FULFILLED"
    at = moment(head, ("operateTime",), "entryOrder", shop) or sent_at
    final = final and status not in NOTHING_YET
    refused = status in NOT_TAKEN and not lines
    confirm_id = message_id(text(head, "outBizCode"), digest)
    return EntryConfirmed(number, confirm_id, text(head, "warehouseCode"), final, at, lines, refused)


def received(root: Element) -> tuple[ReceivedLine, ...]:
    """Read the lines of goods that came in, of an entry or a return."""
    nodes = _some(root.findall("orderLines/orderLine"), "orderLines.orderLine")
    return tuple(line for index, node in enumerate(nodes) for line in _line(node, f"orderLines.orderLine[{index}]"))


def _line(node: Element, where: str) -> Iterator[ReceivedLine]:
    """One line, by the grades of its batches where they name one; else by its own."""
    sku = required(node, "itemCode", where)
    line_no = text(node, "orderLineNo")[:MAX_ID]
    whole = units(text(node, "actualQty"), f"{where}.actualQty")
    batches = node.findall("batchs/batch")
    if any(text(batch, "inventoryType") for batch in batches):
        sums: dict[Grade, int] = {}
        for n, batch in enumerate(batches):
            part = f"{where}.batchs.batch[{n}]"
            grade = _grade(batch, part) or Grade.GOOD
            sums[grade] = sums.get(grade, 0) + units(text(batch, "actualQty"), f"{part}.actualQty")
        if sum(sums.values()) != whole:
            raise Unparsable(f"{where}: its batches add up to {sum(sums.values())}, actualQty is {whole}")
        yield from (ReceivedLine(sku, grade, n, line_no) for grade, n in sums.items() if n)
    elif whole:
        yield ReceivedLine(sku, _grade(node, where) or Grade.GOOD, whole, line_no)


def read_count(root: Element, shop: Shop, sent_at: datetime, digest: str) -> StockReported:
    """Read inventory.report: what a stocktake in the warehouse found, surplus positive, loss negative."""
    warehouse = required(root, "warehouseCode", "request")
    at = moment(root, ("checkTime",), "request", shop) or sent_at
    check = text(root, "checkOrderCode")[:MAX_ID]
    nodes = _some(root.findall("items/item"), "items.item")
    changes = _summed(
        change for index, node in enumerate(nodes) if (change := _change(node, f"items.item[{index}]", check))
    )
    return StockReported(warehouse, message_id(text(root, "outBizCode"), digest), True, at, changes)


def read_changes(root: Element, shop: Shop, sent_at: datetime, digest: str) -> tuple[StockReported, ...]:
    """Read stockchange.report: each item says by itself where, of which message and when; one report per message."""
    groups: dict[tuple[str, str], list[StockChange]] = {}
    moments: dict[tuple[str, str], datetime] = {}
    for index, node in enumerate(_some(root.findall("items/item"), "items.item")):
        where = f"items.item[{index}]"
        place = (required(node, "warehouseCode", where), message_id(text(node, "outBizCode"), digest))
        change = _change(node, where, text(node, "orderCode")[:MAX_ID])
        if change:
            groups.setdefault(place, []).append(change)
            moments.setdefault(place, moment(node, ("changeTime",), where, shop) or sent_at)
    return tuple(
        StockReported(*place, False, moments[place], _summed(iter(changes))) for place, changes in groups.items()
    )


def message_id(out_biz_code: str, digest: str) -> str:
    """The vendor's id of a message; where it gives none (or an absurd one), what the message says."""
    return out_biz_code if 0 < len(out_biz_code) <= MAX_ID else digest


def _change(node: Element, where: str, document: str) -> StockChange | None:
    """One change; None for goods that are not on the shelf, and for a change of nothing."""
    sku = required(node, "itemCode", where)
    written = text(node, "quantity")
    if not _SIGNED.fullmatch(written):
        raise Unparsable(f"{where}.quantity is not a whole number of units")
    grade, quantity = _grade(node, where), int(Decimal(written))
    return StockChange(sku, grade, quantity, document) if grade and quantity else None


def _summed(changes: Iterator[StockChange]) -> tuple[StockChange, ...]:
    """Add up the batches of one SKU and grade."""
    sums: dict[tuple[str, Grade, str], int] = {}
    for one in changes:
        key = (one.sku, one.grade, one.document_no)
        sums[key] = sums.get(key, 0) + one.quantity
    return tuple(StockChange(sku, grade, n, document) for (sku, grade, document), n in sums.items())


def _some(nodes: list[Element], where: str) -> list[Element]:
    if len(nodes) > MAX_ITEMS:
        raise Unparsable(f"{where}: more than {MAX_ITEMS}")
    return nodes


def _grade(node: Element, where: str) -> Grade | None:
    """Read inventoryType, good when absent; None for goods that are not on the shelf."""
    written = text(node, "inventoryType").upper() or GOOD_STOCK
    if written not in GRADES:
        raise Unparsable(f"{where}.inventoryType is none of {', '.join(GRADES)}")
    return GRADES[written]


def body_digest(body: bytes) -> str:
    """Name a message by its bytes."""
    return hashlib.sha256(body).hexdigest()[:32]
