"""Stripe. Owns its calls, its paths and its error codes.

A refund is known by our number: it is the `Idempotency-Key`, and it stands in the refund's metadata, by which it is
found again. The key is kept for a day at least and gives the first answer again, were it a 500; so how a refund
stands is believed of the question about it, asked after every refund. After that day the question alone keeps a
repeat from paying twice. Source: the vendor's published library and pages.
"""

import json
from collections.abc import Mapping
from typing import Literal
from urllib.parse import quote, urlencode

import httpx

from connectors import fields
from connectors.http import Call, Reply, send, unexplained
from connectors.outbound import Clock
from connectors.payments import stripe_read as read
from connectors.payments.stripe_inbound import StripeInbound
from connectors.payments.stripe_sign import API_KEY, faults
from connectors.vendor import Vendor
from domain.errors import Broken, OmsError, RateLimited, Refused, Unavailable, Unparsable
from domain.observations import PaymentObserved, RefundObserved
from domain.payments import RefundAsk
from domain.shops import Role, Shop

REFUNDS, SEARCH = "/v1/refunds", "/v1/payment_intents/search"
PAGE, MAX_PAGES = 100, 10
NOT_OURS, CLASH = 401, 409
RATE = "rate_limit"
TYPES: Mapping[str, type[OmsError]] = {
    "api_error": Unavailable,
    "card_error": Refused,
    "invalid_request_error": Refused,
    # The same key with other parameters: a bug of ours, no business says no here.
    "idempotency_error": Broken,
}


class StripeMerchant:
    """One account at Stripe; `endpoint_url` is the base, without a path."""

    def __init__(self, shop: Shop, http: httpx.AsyncClient, clock: Clock) -> None:
        self._shop = shop
        self._http = http
        self._clock = clock

    async def refund(self, ask: RefundAsk) -> tuple[RefundObserved, bytes]:
        """Pay back under our number, then ask how it stands."""
        wanted = {
            "payment_intent": ask.transaction_id,
            "amount": str(ask.amount_minor),
            "reason": "requested_by_customer",
            f"metadata[{read.ORDER_NO}]": ask.trade_no,
            f"metadata[{read.REFUND_NO}]": ask.no,
        }
        reply = await self._send("POST", REFUNDS, f"refund {ask.no}", wanted, ask.no)
        try:
            seen = self._seen(read.refund(reply.body), ask)
        except Unparsable as error:
            raise Broken(f"stripe about refund {ask.no}: {error.reason}") from error
        return await self.query_refund(ask) or (seen, reply.body)

    async def query_refund(self, ask: RefundAsk) -> tuple[RefundObserved, bytes] | None:
        """Look for a refund by our number among those of its payment."""
        after, ref = "", f"query of refund {ask.no}"
        for _ in range(MAX_PAGES):
            query = {"payment_intent": ask.transaction_id, "limit": str(PAGE)}
            query |= {"starting_after": after} if after else {}
            reply = await self._send("GET", f"{REFUNDS}?{urlencode(query)}", ref)
            try:
                page, more = read.refunds(reply.body)
                ours = next((one for one in page if one.number == ask.no), None)
                if ours is not None:
                    return self._seen(ours, ask), reply.body
            except Unparsable as error:
                raise Broken(f"stripe about refund {ask.no}: {error.reason}") from error
            if not more or not page:
                return None
            after = page[-1].id
        raise Broken(f"stripe has more than {PAGE * MAX_PAGES} refunds of one payment ({ref})")

    async def query_payment(self, no: str) -> tuple[PaymentObserved, bytes] | None:
        """Search for a payment by the order's number in its metadata; one of the last minute may not be found yet."""
        words = no.replace("\\", "\\\\").replace("'", "\\'")
        query = urlencode({"query": f"metadata['{read.ORDER_NO}']:'{words}'", "limit": str(PAGE)}, quote_via=quote)
        reply = await self._send("GET", f"{SEARCH}?{query}", f"query of the payment of {no}")
        try:
            paid = read.payments(reply.body, self._shop)
        except Unparsable as error:
            raise Broken(f"stripe about the payment of {no}: {error.reason}") from error
        if paid is not None and paid.no != no:
            raise Broken(f"stripe answered about another payment than that of {no}")
        return None if paid is None else (paid, reply.body)

    def _seen(self, told: read.Refund, ask: RefundAsk) -> RefundObserved:
        if (told.number, told.payment_intent) != (ask.no, ask.transaction_id):
            raise Unparsable(f"it is about another refund than {ask.no}")
        if told.currency and told.currency.upper() != ask.currency:
            raise Unparsable(f"it is in {fields.vendor_text(told.currency)}, not {ask.currency}")
        return read.refund_seen(told, self._shop, self._clock())

    async def _send(
        self,
        method: Literal["POST", "GET"],
        path: str,
        ref: str,
        form: Mapping[str, str] | None = None,
        key: str = "",
    ) -> Reply:
        secret = self._shop.sealed.get(API_KEY, "").strip()
        if not secret:
            raise Broken(f"shop {self._shop.code} ({self._shop.vendor}) has no {API_KEY}: set it")
        headers = {"authorization": f"Bearer {secret}", "accept": "application/json", "user-agent": "steadfast"}
        if form is not None:
            headers |= {"content-type": "application/x-www-form-urlencoded", "idempotency-key": key}
        body = urlencode(form).encode() if form is not None else b""
        call = Call("stripe", ref, self._shop.endpoint_url.rstrip("/") + path, body, headers, method)
        reply = await send(self._http, call)
        if not reply.is_success:
            raise _failure(call, reply)
        return reply


def _failure(call: Call, reply: Reply) -> OmsError:
    """Translate an answer that is no success; types that nobody listed are Broken and named."""
    kind, code, words = _said(call, reply)
    told = f"{words or 'no reason given'} ({call.ref})"
    if reply.status == CLASH:
        return Unavailable(f"stripe {code or kind}: {told}")
    if code == RATE:
        return RateLimited(f"stripe {code}: {told}")
    error = Broken if reply.status == NOT_OURS else TYPES.get(kind, Broken)
    if error is Refused:
        return Refused(code or kind, told)
    if error is Unavailable:
        return Unavailable(f"stripe {code or kind}: {told}")
    return Broken(f"stripe answered HTTP {reply.status} {code or kind}: {told}")


def _said(call: Call, reply: Reply) -> tuple[str, str, str]:
    try:
        answer = json.loads(reply.body)
    except (ValueError, RecursionError) as error:
        raise unexplained(call, reply) from error
    told = answer.get("error") if isinstance(answer, dict) else None
    if not isinstance(told, dict) or not isinstance(told.get("type"), str):
        raise unexplained(call, reply)
    kind, code, words = (fields.vendor_text(str(told.get(name) or "")) for name in ("type", "code", "message"))
    return kind, code, words


VENDOR = Vendor(
    name="stripe",
    role=Role.PAYMENT,
    zone="UTC",
    currency="USD",
    endpoint_url="the base URL without a path, such as https://api.stripe.com",
    key_id="the number of our account there, acct_...",
    secret="the signing secret of the webhook endpoint, whsec_...",  # noqa: S106  (an explanation)
    inbound=StripeInbound,
    params={
        "shop": "whose buyers pay here, VENDOR/CODE such as own/my-shop; that shop's order number stands in "
        "metadata[order_no] of the payment intent, or in client_reference_id of the checkout session",
    },
    sealed_params={"api_key": "our secret key, sk_... or a restricted rk_..., as api_key=@FILE"},
    faults=faults,
    payment=StripeMerchant,
)
