"""Qimen's messages. Owns the field names, units and leniencies; signs nothing, sends nothing.

Amounts travel in yuan with two decimals, times as `yyyy-MM-dd HH:mm:ss` in the shop's zone, weights in kg.
Source: classes of the official SDK; the leniencies answer to real confirms (backends.md 1.5).
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from xml.etree.ElementTree import Element

from connectors.fields import MAX_ID, local_time, param, show_local, storable
from connectors.rates import in_yuan
from connectors.warehouses.qimen_xml import Tree, text, write_xml
from domain.errors import Broken, Unparsable
from domain.fulfillment import FulfillmentLine, FulfillmentOrder, Purpose
from domain.observations import Package, PackedItem, ProcessReported, ShipmentConfirmed
from domain.shops import Shop

ORDER_TYPES: Mapping[Purpose, str] = {Purpose.ORDER: "JYCK", Purpose.EXCHANGE: "HHCK", Purpose.RESHIP: "BFCK"}
ORDINARY = ORDER_TYPES[Purpose.ORDER]
GOOD_STOCK = "ZP"
MAX_PACKAGES = 200
PLATFORM_CODES: Mapping[str, str] = {
    "taobao": "TB", "tmall": "TM", "jd": "JD", "dangdang": "DD", "ebay": "EBAY", "amazon": "AMAZON",
    "suning": "SN", "gome": "GM", "vip": "WPH", "mogujie": "MGJ", "1688": "1688", "pos": "POS",
}  # fmt: skip
OTHER = "OTHER"
SHIPPED_WORDS = {"", "DELIVERED", "PARTDELIVERED"}
"""A confirm with another status (REJECT, EXCEPTION, CLOSED ...) tells of a step, not of a shipment."""

_AMOUNT = re.compile(r"\d{1,9}(?:\.\d{1,6})?", re.ASCII)


def yuan(minor: int) -> str:
    """Fen to yuan, exact: 31805 becomes 318.05."""
    return f"{Decimal(minor) / 100:.2f}"


def create_body(order: FulfillmentOrder, shop: Shop) -> bytes:
    """Write deliveryorder.create. The same order gives the same bytes, so that a repeat is one.

    Amounts in another currency are stated in yuan by the shop's rates: Refused without one. Broken when the order's
    amounts do not add up.
    """
    _check_amounts(order)
    order = in_yuan(order, shop)
    lines = [_order_line(line, order, shop) for line in order.lines]
    return write_xml("request", {"deliveryOrder": _head(order, shop), "orderLines": {"orderLine": lines}})


def _check_amounts(order: FulfillmentOrder) -> None:
    total = order.goods_minor - order.discount_minor + order.freight_minor
    if total != order.total_minor:
        raise Broken(f"amounts of {order.no}: goods - discount + freight is {total}, total is {order.total_minor}")


def _head(order: FulfillmentOrder, shop: Shop) -> dict[str, Tree]:
    zone = shop.tz
    head: dict[str, Tree] = {
        "deliveryOrderCode": order.no,
        "orderType": ORDER_TYPES[order.purpose],
        "preDeliveryOrderCode": order.before_no,
        "warehouseCode": order.warehouse,
        "sourcePlatformCode": PLATFORM_CODES.get(order.channel, OTHER),
        "createTime": show_local(order.created_at, zone),
        "placeOrderTime": show_local(order.placed_at, zone),
        "payTime": show_local(order.paid_at, zone),
        # Not the moment of sending: that would make a repeat a different message.
        "operateTime": show_local(order.created_at, zone),
        "shopNick": order.shop,
        "totalAmount": yuan(order.total_minor),
        "itemAmount": yuan(order.goods_minor),
        "discountAmount": yuan(order.discount_minor),
        "freight": yuan(order.freight_minor),
        "arAmount": yuan(0),
        "gotAmount": yuan(order.total_minor),
        "logisticsCode": order.carrier,
        "senderInfo": _sender(shop),
        "receiverInfo": _receiver(order),
        "remark": order.remark,
    }
    if order.receiver.handle:
        head["oaidOrderSourceCode"] = order.order_no
    return given(head)


def given(fields: dict[str, Tree]) -> dict[str, Tree]:
    """Leave out what is empty: some partners refuse an element without a text."""
    return {name: value for name, value in fields.items() if value}


def _sender(shop: Shop) -> dict[str, Tree]:
    names = {
        "name": "sender_name", "mobile": "sender_mobile", "province": "sender_province",
        "city": "sender_city", "area": "sender_district", "detailAddress": "sender_address",
    }  # fmt: skip
    return {field: param(shop, name) for field, name in names.items()}


def _receiver(order: FulfillmentOrder) -> dict[str, Tree]:
    contact = order.receiver
    receiver: dict[str, Tree] = {
        "name": contact.name,
        "mobile": contact.phone,
        "province": contact.province,
        "city": contact.city,
        "area": contact.district,
        "detailAddress": contact.address,
    }
    if contact.handle:
        receiver["oaid"] = contact.handle
    return given(receiver)


def _order_line(line: FulfillmentLine, order: FulfillmentOrder, shop: Shop) -> dict[str, Tree]:
    """One line. `actualPrice` is a unit price and may be rounded; list price and discount are exact."""
    written: dict[str, Tree] = {
        "orderLineNo": line.line_no,
        "sourceOrderCode": order.order_no,
        "ownerCode": param(shop, "owner"),
        "itemCode": line.sku,
        "itemName": line.title,
        "inventoryType": GOOD_STOCK,
        "planQty": str(line.quantity),
        "retailPrice": yuan(line.unit_minor),
        "actualPrice": f"{Decimal(line.amount_minor) / line.quantity / 100:.2f}",
    }
    discount = line.unit_minor * line.quantity - line.amount_minor
    if discount >= 0:
        written["discountAmount"] = yuan(discount)
    return written


def about(fulfillment_no: str, warehouse: str, shop: Shop, **more: str) -> bytes:
    """Write the small requests: query, cancel and pending name an order and add a word or two."""
    base = {"warehouseCode": warehouse, "ownerCode": param(shop, "owner"), "orderCode": fulfillment_no}
    return write_xml("request", {**base, **more})


def read_confirm(root: Element, shop: Shop, sent_at: datetime) -> ShipmentConfirmed | ProcessReported:
    """Read deliveryorder.confirm, and the answer to deliveryorder.query, which has the same shape."""
    head = root.find("deliveryOrder")
    number = required(head, "deliveryOrderCode", "deliveryOrder")
    status = text(head, "status").upper()
    at = moment(head, ("orderConfirmTime", "operateTime"), "deliveryOrder", shop) or sent_at
    if status not in SHIPPED_WORDS:
        return ProcessReported(number, status, at, text(head, "operatorCode"))
    packages = _packages(root, head)
    if not packages:
        raise Unparsable("packages: none given, and deliveryOrder.expressCode is empty; name the waybill")
    # confirmType is the precise word; where it is missing, a part shipment is known by its status.
    kind = text(head, "confirmType")
    final = kind == "0" if kind in {"0", "1"} else status != "PARTDELIVERED"
    confirm_id = _fingerprint(final, packages)
    return ShipmentConfirmed(number, confirm_id, text(head, "warehouseCode"), final, at, packages)


def _fingerprint(final: bool, packages: tuple[Package, ...]) -> str:
    """Name a confirm by what it says, so that a push and a later query of the same shipment are one.

    outBizCode cannot do that: it is optional, and a query returns the last one beside all packages.
    """
    told = sorted(
        "|".join([p.carrier, p.waybill_no, *sorted(f"{i.sku}*{i.quantity}" for i in p.items)]) for p in packages
    )
    return hashlib.sha256("\n".join([str(final), *told]).encode()).hexdigest()[:32]


def _packages(root: Element, head: Element | None) -> tuple[Package, ...]:
    found = root.findall("packages/package")
    if len(found) > MAX_PACKAGES:
        raise Unparsable(f"packages: more than {MAX_PACKAGES}")
    packages = [_package(node, head, f"packages.package[{i}]") for i, node in enumerate(found)]
    waybill = text(head, "expressCode")
    if not packages and waybill:
        packages = [Package(text(head, "logisticsCode") or OTHER, waybill, "", ())]
    if packages and not any(package.items for package in packages):
        # Nobody says what is in which box: the lines' quantities go to the first, so that the sum is right.
        first = packages[0]
        shipped = _items(root.findall("orderLines/orderLine"), "actualQty", "orderLines.orderLine")
        packages[0] = Package(first.carrier, first.waybill_no, first.weight_kg, shipped)
    return tuple(packages)


def _package(node: Element, head: Element | None, where: str) -> Package:
    waybill = text(node, "expressCode") or text(head, "expressCode")
    if not waybill:
        raise Unparsable(f"{where}.expressCode is missing: a package needs its waybill number")
    if len(waybill) > MAX_ID:
        raise Unparsable(f"{where}.expressCode is longer than {MAX_ID} characters")
    carrier = text(node, "logisticsCode") or text(head, "logisticsCode") or OTHER
    items = _items(node.findall("items/item"), "quantity", f"{where}.items.item")
    return Package(carrier, waybill, _weight(text(node, "weight")), items)


def _items(nodes: list[Element], quantity: str, where: str) -> tuple[PackedItem, ...]:
    """Sum units by SKU: one SKU may stand on several lines, by batch or by stock kind."""
    sums: dict[str, int] = {}
    for index, node in enumerate(nodes):
        sku = required(node, "itemCode", f"{where}[{index}]")
        sums[sku] = sums.get(sku, 0) + units(text(node, quantity), f"{where}[{index}].{quantity}")
    return tuple(PackedItem(sku, n) for sku, n in sums.items() if n)


def units(written: str, where: str) -> int:
    """Read a whole number of units; Unparsable names where it is none."""
    # Real senders write 2.0000 for 2.
    if not _AMOUNT.fullmatch(written) or Decimal(written) % 1:
        raise Unparsable(f"{where} is not a whole number of units")
    return int(Decimal(written))


def _weight(written: str) -> str:
    """A weight is a remark, not a fact we act on: an odd one is dropped and the confirm kept."""
    return f"{Decimal(written).normalize():f}" if _AMOUNT.fullmatch(written) else ""


def read_process(root: Element, shop: Shop, sent_at: datetime) -> ProcessReported:
    """Read orderprocess.report."""
    number = required(root.find("order"), "orderCode", "order")
    process = root.find("process")
    stage = required(process, "processStatus", "process").upper()
    at = moment(process, ("operateTime",), "process", shop) or sent_at
    operator = text(process, "operatorName") or text(process, "operatorCode")
    return ProcessReported(number, stage, at, storable(operator), storable(text(process, "operateInfo")))


def required(node: Element | None, name: str, where: str) -> str:
    """The text of a field that must be there."""
    value = text(node, name)
    if not value:
        raise Unparsable(f"{where}.{name} is missing or empty")
    if len(value) > MAX_ID:
        raise Unparsable(f"{where}.{name} is longer than {MAX_ID} characters")
    return value


def moment(node: Element | None, names: tuple[str, ...], where: str, shop: Shop) -> datetime | None:
    """The first of these times that is given."""
    for name in names:
        written = text(node, name)
        if written:
            try:
                return local_time(written, shop.tz)
            except ValueError as error:
                raise Unparsable(f"{where}.{name}: {error}") from error
    return None
