"""Qimen's messages of goods that come back: returnorder.create read, .confirm and the answer to .query written.

Owns their fields as the vendor has them; what buyers send is decided in returns.py.
"""

from collections import Counter
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from simulator.clock import now, stamp
from simulator.codes import codes
from simulator.qimen import Node, Refused, document, required, text
from simulator.settings import Wms

RETURN_TYPES = codes("THRK HHRK")
MOST_LINES = 500
Stocked = tuple[str, str]
"""A SKU and its condition."""


@dataclass(frozen=True)
class BackLine:
    """Units that the ERP expects."""

    no: str
    source_order: str
    sku: str
    quantity: int


@dataclass
class Expected:
    """A return that the ERP announced, or a parcel that nobody did (without a code); and what came of it."""

    code: str
    id: str
    order_type: str
    lines: tuple[BackLine, ...]
    carrier: str = ""
    waybill: str = ""
    before: str = ""
    fate: str = ""
    creates: int = 1
    status: str = "NEW"
    confirms: int = 0
    received: Counter[Stocked] = field(default_factory=Counter)


def read_return(root: Element, settings: Wms, return_id: str) -> Expected:
    """Read and check returnorder.create; raises Refused naming the field."""
    order = root.find("returnOrder")
    code = required(order, "returnOrderCode")
    order_type = required(order, "orderType")
    if order_type not in RETURN_TYPES:
        raise Refused("isv.invalid-parameter", "returnOrder/orderType must be THRK or HHRK")
    if required(order, "warehouseCode") not in (settings.warehouse, "OTHER"):
        raise Refused("isv.invalid-parameter", "returnOrder/warehouseCode is not known")
    before = required(order, "preDeliveryOrderCode")
    carrier = required(order, "logisticsCode")
    nodes = root.findall("orderLines/orderLine")
    if not 1 <= len(nodes) <= MOST_LINES:
        raise Refused("isv.invalid-parameter", f"orderLines must hold 1 to {MOST_LINES} lines")
    lines = tuple(_line(node, settings, str(n)) for n, node in enumerate(nodes, 1))
    return Expected(code, return_id, order_type, lines, carrier, text(order, "expressCode"), before)


def _line(node: Element, settings: Wms, position: str) -> BackLine:
    quantity = required(node, "planQty")
    if not (quantity.isascii() and quantity.isdigit()) or int(quantity) < 1:
        raise Refused("isv.invalid-parameter", "orderLine/planQty must be a whole number from 1")
    if required(node, "ownerCode") != settings.owner:
        raise Refused("isv.invalid-parameter", "orderLine/ownerCode is not known")
    return BackLine(
        text(node, "orderLineNo") or position, text(node, "sourceOrderCode"), required(node, "itemCode"), int(quantity)
    )


def confirmation(back: Expected, units: Counter[Stocked], settings: Wms, *, named: bool) -> bytes:
    """Write returnorder.confirm of one parcel; not `named`: nobody found a number of the ERP's on it."""
    head = _head(back, settings, named=named) | {"outBizCode": f"{back.id}-{back.confirms}"}
    return document("request", {"returnOrder": head, "orderLines": {"orderLine": _lines(back, units)}})


def answer(back: Expected, settings: Wms) -> Node:
    """Write the answer to returnorder.query: all that came so far."""
    lines = _lines(back, back.received)
    return {
        "totalLines": len(lines),
        "returnOrder": _head(back, settings, named=True) | {"status": back.status},
        "orderLines": {"orderLine": lines},
    }


def _head(back: Expected, settings: Wms, *, named: bool) -> dict[str, str | int]:
    head: dict[str, str | int] = {
        "returnOrderId": back.id,
        "warehouseCode": settings.warehouse,
        "orderType": back.order_type,
        "orderConfirmTime": stamp(now()),
        "logisticsCode": back.carrier,
        "expressCode": back.waybill,
    }
    return {"returnOrderCode": back.code, **head} if named and back.code else head


def _lines(back: Expected, units: Counter[Stocked]) -> list[Node]:
    """One line per SKU and condition, with the number of the announced line where there is one."""
    known = {line.sku: line for line in back.lines}
    nodes: list[Node] = []
    for (sku, condition), quantity in sorted(units.items()):
        line = known.get(sku)
        named: dict[str, str | int] = {"orderLineNo": line.no, "planQty": line.quantity} if line else {}
        nodes.append(named | {"itemCode": sku, "inventoryType": condition, "actualQty": quantity})
    return nodes
