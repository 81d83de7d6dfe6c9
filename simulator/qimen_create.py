"""Reading deliveryorder.create as strictly as the vendor: fields, code lists, times, amounts, quantities."""

from decimal import Decimal, InvalidOperation
from xml.etree.ElementTree import Element

from simulator.clock import parse_stamp
from simulator.codes import codes
from simulator.qimen import Refused, required, text
from simulator.settings import Wms
from simulator.warehouse import GOOD, Delivery, DeliveryLine, Place

ORDER_TYPES = codes("JYCK HHCK BFCK QTCK")
PLATFORMS = codes("TB TM JD DD PP YX EBAY QQ AMAZON SN GM WPH JM LF MGJ JS PX YT YHD VANCL YL YG 1688 POS MIA OTHER")
CARRIERS = codes("SF EMS EYB ZJS YTO ZTO HTKY UC STO TTKDEX QFKD FAST POSTB GTO YUNDA JD DD AMAZON OTHER")
CONDITIONS = codes("ZP CC JS XS ZT")
TIMES = ("createTime", "placeOrderTime", "operateTime")
AMOUNTS = ("totalAmount", "itemAmount", "discountAmount", "freight", "arAmount", "gotAmount", "serviceFee")
PLACE_FIELDS = ("name", "mobile", "province", "city", "detailAddress")
MOST_LINES = 200


def read_delivery(root: Element, settings: Wms) -> Delivery:
    """Read and check a create request; raises Refused naming the field."""
    order = root.find("deliveryOrder")
    code = required(order, "deliveryOrderCode")
    order_type = _one_of(order, "orderType", ORDER_TYPES)
    _one_of(order, "sourcePlatformCode", PLATFORMS)
    _one_of(order, "warehouseCode", frozenset({settings.warehouse, "OTHER"}))
    required(order, "shopNick")
    for name in TIMES:
        _time(required(order, name), name)
    if paid := text(order, "payTime"):
        _time(paid, "payTime")
    _check_amounts(order)
    return Delivery(
        code=code,
        order_type=order_type,
        carrier=_one_of(order, "logisticsCode", CARRIERS),
        sender=_place(order, "senderInfo"),
        receiver=_place(order, "receiverInfo"),
        lines=_lines(root, settings),
    )


def _place(order: Element | None, tag: str) -> Place:
    node = order.find(tag) if order is not None else None
    if node is None:
        raise Refused("isv.missing-parameter", f"deliveryOrder/{tag} is missing")
    for name in PLACE_FIELDS:
        required(node, name)
    return Place(text(node, "mobile"), text(node, "province"), text(node, "city"))


def _lines(root: Element, settings: Wms) -> tuple[DeliveryLine, ...]:
    nodes = root.findall("orderLines/orderLine")
    if not 1 <= len(nodes) <= MOST_LINES:
        raise Refused("isv.invalid-parameter", f"orderLines must hold 1 to {MOST_LINES} lines")
    lines = tuple(_line(node, str(n), settings) for n, node in enumerate(nodes, start=1))
    if len({line.no for line in lines}) != len(lines):
        raise Refused("isv.invalid-parameter", "orderLineNo is there twice")
    return lines


def _line(node: Element, position: str, settings: Wms) -> DeliveryLine:
    _one_of(node, "ownerCode", frozenset({settings.owner}))
    for name in ("retailPrice", "discountAmount"):
        _amount(node, name)
    required(node, "actualPrice")
    _amount(node, "actualPrice")
    condition = text(node, "inventoryType") or GOOD
    if condition not in CONDITIONS:
        raise Refused("isv.invalid-parameter", "orderLine/inventoryType is not known")
    return DeliveryLine(
        no=text(node, "orderLineNo") or position,
        source_order=text(node, "sourceOrderCode"),
        sku=required(node, "itemCode"),
        condition=condition,
        quantity=_quantity(required(node, "planQty")),
    )


def _quantity(value: str) -> int:
    if not (value.isascii() and value.isdigit()) or not 1 <= int(value) <= 1_000_000:
        raise Refused("isv.invalid-parameter", "orderLine/planQty must be a whole number from 1")
    return int(value)


def _one_of(node: Element | None, name: str, allowed: frozenset[str]) -> str:
    value = required(node, name)
    if value not in allowed:
        raise Refused("isv.invalid-parameter", f"{name} is not a value the warehouse knows")
    return value


def _time(value: str, name: str) -> None:
    try:
        parse_stamp(value)
    except ValueError:
        raise Refused("isv.invalid-parameter", f"{name} must be yyyy-MM-dd HH:mm:ss") from None


def _amount(node: Element | None, name: str) -> Decimal | None:
    value = text(node, name)
    if not value:
        return None
    try:
        amount = Decimal(value)
    except InvalidOperation:
        raise Refused("isv.invalid-parameter", f"{name} is not an amount") from None
    if not amount.is_finite() or amount < 0 or amount * 100 != (amount * 100).to_integral_value():
        raise Refused("isv.invalid-parameter", f"{name} must be in yuan with at most two decimals")
    return amount


def _check_amounts(order: Element | None) -> None:
    """Hold total = ar + got = item - discount + freight (amounts in yuan); absent parts count as 0."""
    amounts = {name: _amount(order, name) for name in AMOUNTS}

    def value(name: str) -> Decimal:
        return amounts[name] or Decimal(0)

    owed = value("arAmount") + value("gotAmount")
    built = value("itemAmount") - value("discountAmount") + value("freight")
    has_owed = amounts["arAmount"] is not None or amounts["gotAmount"] is not None
    has_built = amounts["itemAmount"] is not None
    total = amounts["totalAmount"]
    if total is not None and has_owed and owed != total:
        raise Refused("amount-mismatch", f"totalAmount {total} is not arAmount + gotAmount {owed}")
    if total is not None and has_built and built != total:
        raise Refused("amount-mismatch", f"totalAmount {total} is not goods and freight {built}")
    if total is None and has_owed and has_built and owed != built:
        raise Refused("amount-mismatch", f"arAmount + gotAmount {owed} is not goods and freight {built}")
