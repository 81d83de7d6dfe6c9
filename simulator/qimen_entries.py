"""Qimen's messages of goods that come in and stock that is counted: entryorder.create read, the reports written.

Owns their fields as the vendor has them; what arrives and what a stocktake finds is decided in inwards.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from simulator.clock import now, parse_stamp, stamp
from simulator.codes import codes
from simulator.qimen import Node, Refused, document, required, text
from simulator.qimen_create import CONDITIONS
from simulator.settings import Wms
from simulator.warehouse import GOOD

ENTRY_TYPES = codes("SCRK LYRK CCRK CGRK DBRK QTRK B2BRK XNRK")
MOST_LINES = 500
MOST_UNITS = 1_000_000
Stocked = tuple[str, str]
"""A SKU and its condition."""


@dataclass(frozen=True)
class EntryLine:
    no: str
    sku: str
    condition: str
    quantity: int


@dataclass
class Entry:
    """What the ERP says will arrive, and how much of it has (units by SKU)."""

    code: str
    id: str
    order_type: str
    lines: tuple[EntryLine, ...]
    creates: int = 1
    status: str = "NEW"
    received: dict[str, int] = field(default_factory=dict)


def read_entry(root: Element, settings: Wms, entry_id: str) -> Entry:
    """Read and check entryorder.create; raises Refused naming the field."""
    order = root.find("entryOrder")
    code = required(order, "entryOrderCode")
    order_type = required(order, "orderType")
    if order_type not in ENTRY_TYPES:
        raise Refused("isv.invalid-parameter", "entryOrder/orderType is not a value the warehouse knows")
    if required(order, "warehouseCode") not in (settings.warehouse, "OTHER"):
        raise Refused("isv.invalid-parameter", "entryOrder/warehouseCode is not known")
    if required(order, "ownerCode") != settings.owner:
        raise Refused("isv.invalid-parameter", "entryOrder/ownerCode is not known")
    for name in ("orderCreateTime", "expectStartTime", "expectEndTime"):
        _check_time(text(order, name), name)
    nodes = root.findall("orderLines/orderLine")
    if not 1 <= len(nodes) <= MOST_LINES:
        raise Refused("isv.invalid-parameter", f"orderLines must hold 1 to {MOST_LINES} lines")
    total = text(order, "totalOrderLines")
    if total and total != str(len(nodes)):
        raise Refused("isv.invalid-parameter", "totalOrderLines is not the number of lines")
    return Entry(code, entry_id, order_type, tuple(_line(node, str(n)) for n, node in enumerate(nodes, 1)))


def _check_time(value: str, name: str) -> None:
    try:
        if value:
            parse_stamp(value)
    except ValueError:
        raise Refused("isv.invalid-parameter", f"entryOrder/{name} must be yyyy-MM-dd HH:mm:ss") from None


def _line(node: Element, position: str) -> EntryLine:
    quantity = required(node, "planQty")
    if not (quantity.isascii() and quantity.isdigit()) or not 1 <= int(quantity) <= MOST_UNITS:
        raise Refused("isv.invalid-parameter", "orderLine/planQty must be a whole number from 1")
    condition = text(node, "inventoryType") or GOOD
    if condition not in CONDITIONS:
        raise Refused("isv.invalid-parameter", "orderLine/inventoryType is not known")
    return EntryLine(text(node, "orderLineNo") or position, required(node, "itemCode"), condition, int(quantity))


def entry_confirmation(
    entry: Entry, units: Mapping[str, int], settings: Wms, *, out_biz_code: str, final: bool
) -> bytes:
    """Write entryorder.confirm: units by line number, only those that arrived now."""
    head: dict[str, str | int] = {
        "entryOrderCode": entry.code,
        "entryOrderId": entry.id,
        "ownerCode": settings.owner,
        "warehouseCode": settings.warehouse,
        "entryOrderType": entry.order_type,
        "outBizCode": out_biz_code,
        "confirmType": 0 if final else 1,
        "status": "FULFILLED" if final else "PARTFULFILLED",
        "operateTime": stamp(now()),
    }
    lines: list[Node] = [
        {
            "orderLineNo": line.no,
            "itemCode": line.sku,
            "inventoryType": line.condition,
            "planQty": line.quantity,
            "actualQty": units[line.no],
        }
        for line in entry.lines
        if units.get(line.no)
    ]
    return document("request", {"entryOrder": head, "orderLines": {"orderLine": lines}})


def stocktake_report(found: Sequence[tuple[Stocked, int, int]], settings: Wms, *, code: str) -> bytes:
    """Write inventory.report, one page: what a stocktake found too much or too little, and what lies there now."""
    items: list[Node] = [
        {"itemCode": sku, "inventoryType": condition, "quantity": by, "totalQty": total}
        for (sku, condition), by, total in found
    ]
    node: Node = {
        "totalPage": 1,
        "currentPage": 1,
        "pageSize": 100,
        "warehouseCode": settings.warehouse,
        "checkOrderCode": code,
        "ownerCode": settings.owner,
        "checkTime": stamp(now()),
        "outBizCode": f"{code}-1",
        "items": {"item": items},
    }
    return document("request", node)


def change_report(
    changes: Sequence[tuple[Stocked, int]], settings: Wms, *, order_code: str, order_type: str, out_biz_code: str
) -> bytes:
    """Write stockchange.report for one document."""
    items: list[Node] = [
        {
            "ownerCode": settings.owner,
            "warehouseCode": settings.warehouse,
            "orderCode": order_code,
            "orderType": order_type,
            "outBizCode": out_biz_code,
            "itemCode": sku,
            "inventoryType": condition,
            "quantity": by,
            "changeTime": stamp(now()),
        }
        for (sku, condition), by in changes
    ]
    return document("request", {"items": {"item": items}})
