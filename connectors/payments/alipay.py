"""Alipay (支付宝), the open platform's gateway. Owns its calls and its error codes.

A refund is known by our number (`out_request_no`): the same number pays once, and a repeat is a success with
`fund_change` N. Whether it was carried out is believed of the question about it alone, asked after every refund; one
that it does not show yet is under way and asked for again. An answer that moved money must be signed by Alipay; an
error moves none and is believed as it comes. Not found: the full table of `sub_code`, and the code for too many calls
(HTTP 429 is read as that).
"""

import json
from collections.abc import Mapping
from urllib.parse import urlencode

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from connectors import fields
from connectors.http import Call, send, unexplained
from connectors.outbound import Clock
from connectors.payments import alipay_read as read
from connectors.payments import alipay_sign as signing
from connectors.payments.alipay_inbound import AlipayInbound
from connectors.vendor import Vendor
from domain.errors import Broken, Forged, OmsError, Refused, Unavailable, Unparsable
from domain.observations import PaymentObserved, RefundObserved
from domain.payments import RefundAsk
from domain.shops import Role, Shop

REFUND, REFUND_QUERY, QUERY = "alipay.trade.refund", "alipay.trade.fastpay.refund.query", "alipay.trade.query"
REASON = "订单已取消"
"""What the buyer reads beside the money; nobody's name, nobody's reason."""
OK, BUSINESS = "10000", "40004"
LATER = frozenset({"20000", "ACQ.SYSTEM_ERROR"})
"""Codes after which the same is asked again under the same number."""
NO = frozenset({BUSINESS, "40006"})
"""Business says no, or we have no permission: somebody acts there. Other codes say that our call was wrong."""
NO_TRADE = "ACQ.TRADE_NOT_EXIST"


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)
    code: str
    msg: str = ""
    sub_code: str = ""
    sub_msg: str = ""


class AlipayMerchant:
    """One application at Alipay; `endpoint_url` is the whole gateway URL."""

    def __init__(self, shop: Shop, http: httpx.AsyncClient, clock: Clock) -> None:
        self._shop = shop
        self._http = http
        self._clock = clock

    async def refund(self, ask: RefundAsk) -> tuple[RefundObserved, bytes]:
        """Pay back under `out_request_no`, then ask whether it was carried out."""
        if ask.currency != read.CURRENCY:
            raise Refused("CURRENCY", f"alipay pays back {read.CURRENCY}, not {ask.currency} (refund {ask.no})")
        wanted = {
            "trade_no": ask.transaction_id,
            "refund_amount": fields.show_yuan(ask.amount_minor),
            "refund_reason": REASON,
            "out_request_no": ask.no,
        }
        text, raw = await self._ask(REFUND, wanted, f"refund {ask.no}")
        try:
            under_way = read.asked(text, self._shop, ask)
        except Unparsable as error:
            raise Broken(f"alipay about refund {ask.no}: {error.reason}") from error
        return await self.query_refund(ask) or (under_way, raw)

    async def query_refund(self, ask: RefundAsk) -> tuple[RefundObserved, bytes] | None:
        """Ask for a refund by our number."""
        wanted = {"trade_no": ask.transaction_id, "out_request_no": ask.no}
        answer = await self._ask_known(REFUND_QUERY, wanted, f"query of refund {ask.no}")
        if answer is None:
            return None
        try:
            seen = read.refund(answer[0], self._shop, ask, self._clock()) if _names(answer[0]) else None
        except Unparsable as error:
            raise Broken(f"alipay about refund {ask.no}: {error.reason}") from error
        return None if seen is None else (seen, answer[1])

    async def query_payment(self, no: str) -> tuple[PaymentObserved, bytes] | None:
        """Ask for a payment by the order's number (`out_trade_no`)."""
        answer = await self._ask_known(QUERY, {"out_trade_no": no}, f"query of the payment of {no}")
        if answer is None:
            return None
        try:
            paid = read.payment(answer[0], self._shop, self._clock())
        except Unparsable as error:
            raise Broken(f"alipay about the payment of {no}: {error.reason}") from error
        if paid is not None and paid.no != no:
            raise Broken(f"alipay answered about another payment than that of {no}")
        return None if paid is None else (paid, answer[1])

    async def _ask_known(self, method: str, wanted: Mapping[str, str], ref: str) -> tuple[str, bytes] | None:
        """Ask for something that may not be there: None then."""
        try:
            return await self._ask(method, wanted, ref)
        except Refused as error:
            if error.code == NO_TRADE:
                return None
            raise

    async def _ask(self, method: str, wanted: Mapping[str, str], ref: str) -> tuple[str, bytes]:
        """Call, and give the proven text of the answer beside the body it came in."""
        call = self._call(method, wanted, ref)
        reply = await send(self._http, call)
        if not reply.is_success:
            raise unexplained(call, reply)
        name = method.replace(".", "_") + "_response"
        try:
            text, given = signing.answer_text(reply.body, (name, "error_response"))
            said = _Said.model_validate_json(text)
        except (ValueError, ValidationError, RecursionError) as error:
            raise unexplained(call, reply) from error
        if said.code != OK:
            raise _failure(said, ref)
        self._prove(call, text, given)
        return text, reply.body

    def _call(self, method: str, wanted: Mapping[str, str], ref: str) -> Call:
        params = {
            "app_id": self._shop.key_id,
            "method": method,
            "format": "JSON",
            "charset": "utf-8",
            "sign_type": signing.RSA2,
            "timestamp": fields.show_local(self._clock(), self._shop.tz),
            "version": "1.0",
            "biz_content": json.dumps(wanted, ensure_ascii=False, separators=(",", ":")),
        }
        for name in ("notify_url", "app_auth_token"):
            if value := self._shop.params.get(name, ""):
                params[name] = value
        params[signing.SIGN] = signing.sign(self._shop, params)
        headers = {"content-type": "application/x-www-form-urlencoded;charset=utf-8", "user-agent": "steadfast"}
        return Call("alipay", ref, self._shop.endpoint_url, urlencode(params).encode(), headers)

    def _prove(self, call: Call, text: str, given: str) -> None:
        """Make sure that Alipay gave this answer; what it did is asked for again when the key is there."""
        try:
            signing.check_answer(self._shop, text, given)
        except Forged as error:
            raise Broken(f"the answer of alipay about {call.ref} proves nothing: {error.reason}") from error


def _names(text: str) -> bool:
    """Say whether an answer names a refund: one that Alipay does not have is answered without a single field of it."""
    return "trade_no" in json.loads(text)


def _failure(said: _Said, ref: str) -> OmsError:
    """Translate an answer that is no success."""
    code = fields.vendor_text(said.sub_code or said.code)
    told = f"{fields.vendor_text(said.sub_msg or said.msg) or 'no reason given'} ({ref})"
    if LATER & {said.code, said.sub_code}:
        return Unavailable(f"alipay {code}: {told}")
    if said.code in NO:
        return Refused(code, told)
    return Broken(f"alipay answered {fields.vendor_text(said.code)} {code}: {told}")


VENDOR = Vendor(
    name="alipay",
    role=Role.PAYMENT,
    zone="Asia/Shanghai",
    currency="CNY",
    endpoint_url="the whole gateway URL, such as https://openapi.alipay.com/gateway.do",
    key_id="app_id of our application at Alipay's open platform",
    secret="",
    inbound=AlipayInbound,
    params={
        "seller_id": "our merchant account there (PID, 16 digits that begin with 2088)",
        "shop": "whose buyers pay here, VENDOR/CODE such as own/my-shop; out_trade_no is that shop's order number",
    },
    optional_params={
        "notify_url": "where results of refunds are told: the public URL of /in/alipay/CODE",
        "app_auth_token": "the merchant's authorisation, when the application is somebody else's",
    },
    sealed_params={
        "private_key": "our application's private key, PEM or one line of base64, as private_key=@FILE",
        "alipay_public_key": "Alipay's public key for this application (not our own), as alipay_public_key=@FILE; "
        "two while they rotate",
    },
    faults=signing.faults,
    payment=AlipayMerchant,
)
