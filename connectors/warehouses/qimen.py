"""Qimen (奇门) warehouse systems, our calls to them. Owns signing, sending and what their answers mean.

Create calls are keyed by deliveryOrderCode, our fulfilment number: a repeat is answered with success. The
platform does not publish its limits and retries; its limit errors become Unavailable.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode
from xml.etree.ElementTree import Element

import httpx

from connectors import fields
from connectors.http import Call, Reply, send, unexplained
from connectors.outbound import Clock, WarehouseOrder
from connectors.rates import RATES, RATES_HELP, faults
from connectors.top_sign import SIGNERS, sign
from connectors.vendor import Vendor
from connectors.warehouses import qimen_messages as messages
from connectors.warehouses import qimen_returns, qimen_stock
from connectors.warehouses.qimen_inbound import QimenInbound
from connectors.warehouses.qimen_xml import read_xml, text
from domain.counting import Answer
from domain.errors import Broken, OmsError, RateLimited, Refused, Unavailable, Unparsable
from domain.fulfillment import FulfillmentOrder, Purpose
from domain.inbound import Entry
from domain.observations import ReturnConfirmed, ShipmentConfirmed
from domain.returns import ReturnOrder
from domain.shops import Role, Shop

VERSION = "2.0"
CONTENT_TYPE = "text/xml;charset=utf-8"
QUERY_PAGE_SIZE = 100
MAX_QUERY_PAGES = 10
GONE = {"CANCELED", "CLOSED", "REJECT"}
"""Order states in which a warehouse will never ship."""

_KEY_FAULTS = {"sign-check-failure", "invalid appkey", "invalid-appkey", "invalid-app-key"}
_EXISTS_WORDS = ("已存在", "重复", "already exist", "duplicate")
_UNKNOWN_WORDS = ("不存在", "未找到", "order-not-found", "order not found", "order does not exist")
_CANCELLED_WORDS = ("已取消", "已经取消", "已关闭", "already cancel", "already been cancel")

# Gateway faults. A limit or a fault of the remote side passes; a fault in what we sent does not.
_PASSING_CODES = {"7", "10", "15"}
_PASSING_WORDS = ("limit", "remote", "isp.")
_BAN_SECONDS = re.compile(r"last for (\d{1,6}) more second")


@dataclass(frozen=True, slots=True)
class WmsAnswer:
    """A `<response>`: `ok` is flag == success, the rest as the partner chose to write it."""

    ok: bool
    code: str
    message: str
    root: Element
    raw: bytes = field(default=b"", repr=False)


class QimenWarehouse:
    """One account at a warehouse that speaks Qimen."""

    def __init__(self, shop: Shop, http: httpx.AsyncClient, clock: Clock) -> None:
        self._shop = shop
        self._http = http
        self._clock = clock

    async def create(self, order: FulfillmentOrder) -> str:
        """Send deliveryorder.create; the warehouse's own id, empty when it names none.

        Refused, with the partner's code and words (not the receiver's), when it is not wanted.
        """
        body = messages.create_body(order, self._shop)
        answer = await self._ask("deliveryorder.create", order.no, body)
        if not answer.ok:
            return await self._known_already(order, answer)
        split = "deliveryOrders/deliveryOrder/deliveryOrderId"
        return text(answer.root, "deliveryOrderId") or text(answer.root, split)

    async def _known_already(self, order: FulfillmentOrder, answer: WmsAnswer) -> str:
        """Some partners refuse a repeat: believe that only when they can show the order."""
        receiver = order.receiver
        refusal = _refusal(answer, (receiver.name, receiver.phone, receiver.address, receiver.handle))
        if not _says(answer, _EXISTS_WORDS):
            raise refusal
        try:
            known = await self.query(order.no, order.warehouse)
        except Refused:
            raise refusal from None
        if known.status in GONE:
            raise refusal
        return known.warehouse_order_id

    async def cancel(self, fulfillment_no: str, warehouse: str, purpose: Purpose = Purpose.ORDER) -> bool:
        """Send order.cancel. True: it will not ship. False: the warehouse says it is too late.

        A repeat after a lost answer may be told "cancelled already": that is looked up first. An order that the
        warehouse never heard of will not ship either.
        """
        words = {"orderType": messages.ORDER_TYPES[purpose], "cancelReason": "order cancelled"}
        body = messages.about(fulfillment_no, warehouse, self._shop, **words)
        answer = await self._ask("order.cancel", fulfillment_no, body)
        if answer.ok:
            return True
        if answer.code.lower() in _KEY_FAULTS:
            raise _refusal(answer)
        if _says(answer, _UNKNOWN_WORDS):
            return True
        if not _says(answer, _CANCELLED_WORDS):
            return False
        try:
            return (await self.query(fulfillment_no, warehouse)).status in GONE
        except Refused:
            return False

    async def pending(self, fulfillment_no: str, warehouse: str, hold: bool, purpose: Purpose = Purpose.ORDER) -> None:
        """Send order.pending: hold the order in the warehouse, or release it."""
        words = {"orderType": messages.ORDER_TYPES[purpose], "actionType": "pending" if hold else "restore"}
        body = messages.about(fulfillment_no, warehouse, self._shop, **words)
        answer = await self._ask("order.pending", fulfillment_no, body)
        if not answer.ok:
            raise _refusal(answer)

    async def stock(self, warehouse: str, skus: Sequence[str]) -> Answer:
        """Send inventory.query with one criterion per SKU and all grades; Refused when it does not answer that."""
        body = qimen_stock.inventory_query(warehouse, skus, self._shop)
        answer = await self._ask("inventory.query", warehouse, body)
        if not answer.ok:
            raise _refusal(answer)
        try:
            return qimen_stock.read_inventory(answer.root, warehouse)
        except Unparsable as error:
            raise Broken(f"qimen's answer about the stock of {warehouse}: {error.reason}") from error

    async def announce(self, entry: Entry) -> str:
        """Send entryorder.create; a partner that knows the number already is content."""
        answer = await self._ask("entryorder.create", entry.no, qimen_stock.entry_body(entry, self._shop))
        if not answer.ok and not _says(answer, _EXISTS_WORDS):
            raise _refusal(answer)
        return text(answer.root, "entryOrderId")

    async def announce_return(self, back: ReturnOrder) -> str:
        """Send returnorder.create; a partner that knows the number already is content."""
        answer = await self._ask("returnorder.create", back.no, qimen_returns.return_body(back, self._shop))
        if not answer.ok and not _says(answer, _EXISTS_WORDS):
            raise _refusal(answer)
        return text(answer.root, "returnOrderId")

    async def withdraw_return(self, no: str, warehouse: str, exchange: bool) -> bool:
        """Send order.cancel for a return. False: the goods are there already."""
        words = {"orderType": qimen_returns.order_type(exchange), "cancelReason": "case closed"}
        answer = await self._ask("order.cancel", no, messages.about(no, warehouse, self._shop, **words))
        if answer.code.lower() in _KEY_FAULTS:
            raise _refusal(answer)
        return answer.ok or _says(answer, _UNKNOWN_WORDS) or _says(answer, _CANCELLED_WORDS)

    async def returned_so_far(self, no: str, warehouse: str) -> tuple[ReturnConfirmed, bytes] | None:
        """Send returnorder.query, and give all that came so far; None while nothing has, or it is not known there."""
        answer = await self._ask("returnorder.query", no, qimen_returns.query_body(no, warehouse, self._shop))
        if not answer.ok:
            if _says(answer, _UNKNOWN_WORDS):
                return None
            raise _refusal(answer)
        try:
            seen = qimen_returns.read_answer(answer.root, self._shop, self._clock())
        except Unparsable as error:
            raise Broken(f"qimen's answer about the return {no}: {error.reason}") from error
        if seen.case_no != no:
            raise Broken(f"qimen answered about another return than {no}")
        return (seen, answer.raw) if seen.lines else None

    async def query(self, fulfillment_no: str, warehouse: str) -> WarehouseOrder:
        """Send deliveryorder.query, all pages; Refused when the warehouse does not know the order."""
        first = await self._query_page(fulfillment_no, warehouse, 1)
        root = first.root
        total = text(root, "totalLines")
        lines = int(total) if re.fullmatch(r"[0-9]{1,5}", total) else 0
        for page in range(2, min(-(-lines // QUERY_PAGE_SIZE), MAX_QUERY_PAGES) + 1):
            more = (await self._query_page(fulfillment_no, warehouse, page)).root
            holder = root.find("orderLines")
            if holder is not None:
                holder.extend(more.findall("orderLines/orderLine"))
        return self._read_query(first, fulfillment_no)

    async def shipped_so_far(self, fulfillment_no: str, warehouse: str) -> tuple[ShipmentConfirmed, bytes] | None:
        """Query, and give what left the house; its confirm_id is that of the confirm that says the same."""
        known = await self.query(fulfillment_no, warehouse)
        return (known.shipment, known.raw) if known.shipment else None

    async def _query_page(self, fulfillment_no: str, warehouse: str, page: int) -> WmsAnswer:
        paging = {"page": str(page), "pageSize": str(QUERY_PAGE_SIZE)}
        body = messages.about(fulfillment_no, warehouse, self._shop, **paging)
        answer = await self._ask("deliveryorder.query", fulfillment_no, body)
        if not answer.ok:
            raise _refusal(answer)
        return answer

    def _read_query(self, answer: WmsAnswer, fulfillment_no: str) -> WarehouseOrder:
        root = answer.root
        status = text(root, "deliveryOrder/status").upper()
        number = text(root, "deliveryOrder/deliveryOrderCode")
        if number != fulfillment_no:
            raise Broken(f"qimen answered about another order than {fulfillment_no}")
        shipment: ShipmentConfirmed | None = None
        if status in messages.SHIPPED_WORDS and _has_waybill(root):
            try:
                read = messages.read_confirm(root, self._shop, self._clock())
            except Unparsable as error:
                raise Broken(f"qimen's answer about {fulfillment_no}: {error.reason}") from error
            shipment = read if isinstance(read, ShipmentConfirmed) else None
        return WarehouseOrder(status, text(root, "deliveryOrder/deliveryOrderId"), shipment, answer.raw)

    async def _ask(self, method: str, ref: str, body: bytes) -> WmsAnswer:
        call = Call(
            vendor="qimen",
            ref=f"{method} {ref}",
            url=self._signed_url(f"taobao.qimen.{method}", body),
            body=body,
            headers={"content-type": CONTENT_TYPE},
        )
        return read_answer(call, await send(self._http, call))

    def _signed_url(self, method: str, body: bytes) -> str:
        shop = self._shop
        params = {
            "method": method,
            "timestamp": fields.show_local(self._clock(), shop.tz),
            "format": "xml",
            "app_key": shop.key_id,
            "v": VERSION,
            "sign_method": shop.params.get("sign_method", "md5"),
            "customerId": fields.param(shop, "customer_id"),
        }
        if params["sign_method"] not in SIGNERS:
            raise Broken(f"shop {shop.code} (qimen): sign_method is none of {', '.join(SIGNERS)}")
        params["sign"] = sign(params, body, fields.current_secret(shop))
        joint = "&" if "?" in shop.endpoint_url else "?"
        return f"{shop.endpoint_url}{joint}{urlencode(params)}"


def read_answer(call: Call, reply: Reply) -> WmsAnswer:
    """Read `<response>`; raise what an `<error_response>` means, and Broken for anything else."""
    try:
        root = read_xml(reply.body, reply.content_type)
    except Unparsable as error:
        raise unexplained(call, reply) from error
    if root.tag == "error_response":
        raise _gateway_fault(root, call)
    flag = text(root, "flag").lower()
    if root.tag != "response" or flag not in {"success", "failure"}:
        raise unexplained(call, reply)
    return WmsAnswer(flag == "success", text(root, "code"), text(root, "message"), root, reply.body)


def _gateway_fault(root: Element, call: Call) -> OmsError:
    code, sub_code = text(root, "code"), text(root, "sub_code")
    words = fields.vendor_text(text(root, "sub_msg") or text(root, "msg"))
    named = fields.vendor_text(sub_code or code)
    about = f"qimen gateway {fields.vendor_text(code)} {named} about {call.ref}"
    told = f"{sub_code} {text(root, 'msg')}".lower()
    if "limit" in sub_code.lower():
        return RateLimited(about, _ban_seconds(root))
    if sub_code.startswith("isv."):
        return Refused(named, words)
    if code in _PASSING_CODES or any(word in told for word in _PASSING_WORDS):
        return Unavailable(about, _ban_seconds(root))
    return Broken(about)


def _ban_seconds(root: Element) -> float | None:
    found = _BAN_SECONDS.search(f"{text(root, 'msg')} {text(root, 'sub_msg')}")
    return float(found[1]) if found else None


def _refusal(answer: WmsAnswer, hidden: tuple[str, ...] = ()) -> Refused:
    code = fields.vendor_text(answer.code, hidden) or "failure"
    return Refused(code, fields.vendor_text(answer.message, hidden) or "no reason given")


def _says(answer: WmsAnswer, words: tuple[str, ...]) -> bool:
    told = f"{answer.code} {answer.message}".lower()
    return any(word in told for word in words)


def _has_waybill(root: Element) -> bool:
    paths = ("packages/package/expressCode", "deliveryOrder/expressCode")
    return any(node.text for path in paths for node in root.findall(path))


_QIMEN_PARAMS = {
    "customer_id": "customerId: the name under which the platform routes our calls to the warehouse",
    "owner": "ownerCode: whose goods these are in the warehouse's books",
    "sender_name": "sender on the label: name",
    "sender_mobile": "sender on the label: mobile phone",
    "sender_province": "sender on the label: province",
    "sender_city": "sender on the label: city",
    "sender_district": "sender on the label: district",
    "sender_address": "sender on the label: street and number",
}

VENDOR = Vendor(
    name="qimen",
    role=Role.WAREHOUSE,
    zone="Asia/Shanghai",
    currency="CNY",
    endpoint_url="the whole router URL, such as http://qimen.api.taobao.com/router/qimen/service",
    key_id="app_key of our application at the platform",
    secret="app secret of our application at the platform",  # noqa: S106  (an explanation)
    inbound=QimenInbound,
    params=_QIMEN_PARAMS,
    optional_params={"sign_method": "md5 (default), hmac or hmac-sha256", RATES: RATES_HELP},
    faults=faults,
    warehouse=QimenWarehouse,
    returns=QimenWarehouse,
)
