"""Qimen's messages about goods that come back: returnorder.create, .confirm and .query. Signs and sends nothing.

Owns their field names and leniencies. The confirm need not repeat what we announced: a parcel that nobody announced has
no number of ours, and the same SKU may stand on two lines, good and defective. Source: classes of the official SDK
(backends.md 1.5); the query is read as the confirm, for its fields are the same.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from xml.etree.ElementTree import Element

from connectors.fields import MAX_ID, param, storable
from connectors.warehouses.qimen_messages import GOOD_STOCK, OTHER, given, moment, required
from connectors.warehouses.qimen_stock import message_id, received
from connectors.warehouses.qimen_xml import Tree, text, write_xml
from domain.errors import Unparsable
from domain.observations import ReturnConfirmed
from domain.returns import ReturnOrder
from domain.shops import Shop

RETURN, EXCHANGE = "THRK", "HHRK"
NO_GOODS = {"NEW", "ACCEPT", "EXCEPTION", "CANCELED", "CLOSED", "REJECT", "CANCELEDFAIL"}
"""A message with such a status and without lines tells of a step, not of goods."""
QUERY_LINES = 100


def order_type(exchange: bool) -> str:
    """Name the kind of a return order."""
    return EXCHANGE if exchange else RETURN


def return_body(back: ReturnOrder, shop: Shop) -> bytes:
    """Write returnorder.create. The sender is not named: the warehouse needs no buyer to know the goods."""
    head: dict[str, Tree] = {
        "returnOrderCode": back.no,
        "warehouseCode": back.warehouse,
        "orderType": order_type(back.exchange),
        "preDeliveryOrderCode": back.fulfillment_no or back.no,
        "logisticsCode": back.carrier or OTHER,
        "expressCode": back.waybill_no,
        "returnReason": back.reason,
    }
    owner = param(shop, "owner")
    lines: list[Tree] = [
        {
            "orderLineNo": line.line_no,
            "sourceOrderCode": back.order_no,
            "ownerCode": owner,
            "itemCode": line.sku,
            "inventoryType": GOOD_STOCK,
            "planQty": str(line.quantity),
        }
        for line in back.lines
    ]
    return write_xml("request", {"returnOrder": given(head), "orderLines": {"orderLine": lines}})


def query_body(no: str, warehouse: str, shop: Shop) -> bytes:
    """Write returnorder.query."""
    words: Mapping[str, Tree] = {
        "ownerCode": param(shop, "owner"),
        "warehouseCode": warehouse,
        "returnOrderCode": no,
        "page": "1",
        "pageSize": str(QUERY_LINES),
    }
    return write_xml("request", words)


def read_return(root: Element, shop: Shop, sent_at: datetime, digest: str) -> ReturnConfirmed:
    """Read returnorder.confirm; without an outBizCode the body itself names the message.

    A return order of nobody we know may carry no code at all, or one of the warehouse's own.
    """
    head = root.find("returnOrder")
    if head is None:
        raise Unparsable("returnOrder is missing")
    if not received(root) and text(head, "status").upper() not in NO_GOODS:
        raise Unparsable("orderLines: none given; say what came back")
    name = message_id(text(head, "outBizCode"), digest)
    return _returned(root, head, name, moment(head, ("orderConfirmTime",), "returnOrder", shop) or sent_at)


def read_answer(root: Element, shop: Shop, asked_at: datetime) -> ReturnConfirmed:
    """Read the answer to returnorder.query: all that came so far, named by what it says and not by when."""
    head = root.find("returnOrder")
    if head is None:
        raise Unparsable("returnOrder is missing")
    came = received(root)
    said = ";".join(f"{one.line_no} {one.sku} {one.grade.value} {one.quantity}" for one in came)
    name = f"query:{hashlib.sha256(said.encode()).hexdigest()[:16]}"
    return _returned(root, head, name, moment(head, ("orderConfirmTime",), "returnOrder", shop) or asked_at, total=True)


def _returned(root: Element, head: Element, name: str, at: datetime, *, total: bool = False) -> ReturnConfirmed:
    return ReturnConfirmed(
        case_no=text(head, "returnOrderCode")[:MAX_ID],
        confirm_id=name,
        warehouse=required(head, "warehouseCode", "returnOrder"),
        confirmed_at=at,
        lines=received(root),
        carrier=storable(text(head, "logisticsCode"))[:MAX_ID],
        waybill_no=storable(text(head, "expressCode")).upper()[:MAX_ID],
        order_no=_order_no(root),
        total=total,
    )


def _order_no(root: Element) -> str:
    """Give the buyer's order that the lines name, if they name one."""
    for node in root.findall("orderLines/orderLine"):
        if number := text(node, "sourceOrderCode"):
            return storable(number)[:MAX_ID]
    return ""
