"""WeChat Pay (微信支付), API v3 of a direct merchant. Owns its calls, its paths and its error codes.

A refund is known by our number (`out_refund_no`): the same number pays once, so a repeat after an unknown outcome is
harmless. An answer that moved money must be signed by the platform; an error moves none and is believed as it comes.
Source: the vendor's published libraries and pages. Not found: the longest `out_refund_no` (ours has at most 52
characters) and the code of a refund that does not exist (any 404 is taken for that).
"""

import json
import secrets
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import quote

import httpx

from connectors import fields
from connectors.http import Call, Reply, send, unexplained
from connectors.outbound import Clock
from connectors.payments import wechatpay_read as read
from connectors.payments import wechatpay_sign as signing
from connectors.payments.wechatpay_inbound import WechatpayInbound
from connectors.vendor import Vendor
from domain.errors import Broken, Forged, OmsError, RateLimited, Refused, Unavailable, Unparsable
from domain.observations import PaymentObserved, RefundObserved
from domain.payments import RefundAsk
from domain.shops import Role, Shop

REFUNDS = "/v3/refund/domestic/refunds"
PAYMENTS = "/v3/pay/transactions/out-trade-no"
REASON = "订单已取消"
"""What the buyer reads beside the money; nobody's name, nobody's reason."""
NOT_THERE = 404
LATER, TOO_OFTEN, OURS, NO = "later", "too often", "ours", "no"
CODES: Mapping[str, str] = {
    "SYSTEM_ERROR": LATER,
    "FREQUENCY_LIMITED": TOO_OFTEN,
    # Our signature, serial or private key is wrong: no business says no here.
    "SIGN_ERROR": OURS,
    "NO_AUTH": NO,
    "INVALID_REQUEST": NO,
    # Too little money in the account: somebody has to top it up, then the same refund is asked for again.
    "NOT_ENOUGH": NO,
}


class WechatpayMerchant:
    """One merchant account at WeChat Pay; `endpoint_url` is the base, without a path."""

    def __init__(self, shop: Shop, http: httpx.AsyncClient, clock: Clock) -> None:
        self._shop = shop
        self._http = http
        self._clock = clock

    async def refund(self, ask: RefundAsk) -> tuple[RefundObserved, bytes]:
        """Pay back under `out_refund_no`; the answer to a repeat says how the first one stands."""
        wanted: dict[str, Any] = {
            "transaction_id": ask.transaction_id,
            "out_refund_no": ask.no,
            "reason": REASON,
            "amount": {"refund": ask.amount_minor, "total": ask.total_minor, "currency": ask.currency},
        }
        if notify_url := self._shop.params.get("notify_url", ""):
            wanted["notify_url"] = notify_url
        body = json.dumps(wanted, ensure_ascii=False, separators=(",", ":")).encode()
        call = self._call("POST", REFUNDS, f"refund {ask.no}", body)
        reply = await send(self._http, call)
        if not reply.is_success:
            raise _failure(call, reply)
        return self._refund(call, reply, ask)

    async def query_refund(self, ask: RefundAsk) -> tuple[RefundObserved, bytes] | None:
        """Ask for a refund by our number."""
        call = self._call("GET", f"{REFUNDS}/{quote(ask.no, safe='')}", f"query of refund {ask.no}")
        reply = await send(self._http, call)
        if reply.status == NOT_THERE:
            return None
        if not reply.is_success:
            raise _failure(call, reply)
        return self._refund(call, reply, ask)

    async def query_payment(self, no: str) -> tuple[PaymentObserved, bytes] | None:
        """Ask for a payment by the order's number (`out_trade_no`)."""
        path = f"{PAYMENTS}/{quote(no, safe='')}?mchid={quote(self._shop.key_id, safe='')}"
        call = self._call("GET", path, f"query of the payment of {no}")
        reply = await send(self._http, call)
        if reply.status == NOT_THERE:
            return None
        if not reply.is_success:
            raise _failure(call, reply)
        self._prove(call, reply)
        try:
            paid = read.payment(reply.body, self._shop)
        except Unparsable as error:
            raise Broken(f"wechatpay about the payment of {no}: {error.reason}") from error
        if paid is not None and paid.no != no:
            raise Broken(f"wechatpay answered about another payment than that of {no}")
        return None if paid is None else (paid, reply.body)

    def _call(self, method: Literal["GET", "POST"], path: str, ref: str, body: bytes = b"") -> Call:
        timestamp, nonce = str(int(self._clock().timestamp())), secrets.token_hex(16).upper()
        signed = signing.authorization(self._shop, (method, path, body), timestamp, nonce)
        headers = {"authorization": signed, "accept": "application/json", "user-agent": "steadfast"}
        if body:
            headers["content-type"] = "application/json"
        url = self._shop.endpoint_url.rstrip("/") + path
        return Call("wechatpay", ref, url, body, headers, method)

    def _prove(self, call: Call, reply: Reply) -> None:
        """Make sure that the platform gave this answer; what it did is asked for again when the key is there."""
        try:
            signing.check(self._shop, reply.headers, reply.body, self._clock())
        except Forged as error:
            raise Broken(f"the answer of wechatpay about {call.ref} proves nothing: {error.reason}") from error

    def _refund(self, call: Call, reply: Reply, ask: RefundAsk) -> tuple[RefundObserved, bytes]:
        self._prove(call, reply)
        try:
            seen = read.refund(reply.body, self._shop)
        except Unparsable as error:
            raise Broken(f"wechatpay about refund {ask.no}: {error.reason}") from error
        if seen.refund_no != ask.no:
            raise Broken(f"wechatpay answered about another refund than {ask.no}")
        return seen, reply.body


def _failure(call: Call, reply: Reply) -> OmsError:
    """Translate an answer that is no success; codes that nobody listed are Broken and named."""
    code, words = _said(call, reply)
    told = f"{words or 'no reason given'} ({call.ref})"
    kind = CODES.get(code)
    if kind == LATER:
        return Unavailable(f"wechatpay {code}: {told}")
    if kind == TOO_OFTEN:
        return RateLimited(f"wechatpay {code}: {told}")
    if kind == NO:
        return Refused(code, told)
    return Broken(f"wechatpay answered HTTP {reply.status} {code}: {told}")


def _said(call: Call, reply: Reply) -> tuple[str, str]:
    try:
        answer = json.loads(reply.body)
    except ValueError as error:
        raise unexplained(call, reply) from error
    if not isinstance(answer, dict) or not isinstance(answer.get("code"), str):
        raise unexplained(call, reply)
    return fields.vendor_text(answer["code"]), fields.vendor_text(str(answer.get("message", "")))


VENDOR = Vendor(
    name="wechatpay",
    role=Role.PAYMENT,
    zone="Asia/Shanghai",
    currency="CNY",
    endpoint_url="the base URL without a path, such as https://api.mch.weixin.qq.com",
    key_id="mchid: the number of our merchant account",
    secret="the APIv3 key, 32 characters",  # noqa: S106  (an explanation)
    inbound=WechatpayInbound,
    params={
        "serial_no": "the serial number of our API certificate, hex",
        "shop": "whose buyers pay here, VENDOR/CODE such as own/my-shop; out_trade_no is that shop's order number",
    },
    optional_params={"notify_url": "where results of refunds are told: the public URL of /in/wechatpay/CODE"},
    sealed_params={
        "private_key": "our API private key (apiclient_key.pem), as private_key=@FILE",
        "platform_keys": "the platform's public keys, as platform_keys=@FILE: a line PUB_KEY_ID_..., then its PEM; "
        "two while they rotate",
    },
    faults=signing.faults,
    payment=WechatpayMerchant,
)
