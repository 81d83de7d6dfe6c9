"""The other side of Stripe for tests: an account, answers, signed events."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import httpx

from connectors.inbound import Push
from connectors.payments.stripe import StripeMerchant
from domain.payments import RefundAsk
from domain.shops import Role
from tests.connectors.worlds import NOW, OWN, Stranger, clock, push

# The published vector: accepted by the vendor's own library.
SECRET, NEXT_SECRET = "whsec_test_0123456789abcdefghijklmn", "whsec_test_next"
VECTOR_AT = 1732262400
VECTOR_BODY = (
    b'{"id":"evt_1","object":"event","type":"charge.refunded","data":{"object":{"id":"ch_1","object":"charge",'
    b'"amount":2000,"amount_refunded":500,"currency":"usd"}}}'
)
VECTOR_V1 = "f7207600d42e7ffd9c7156eb4c4ac109316f7d72d9fb0d27fdbdd77a4ebec91a"
EMAIL = "buyer@example.com"
STRIPE = replace(
    OWN,
    vendor="stripe",
    code="str",
    role=Role.PAYMENT,
    zone="UTC",
    currency="USD",
    endpoint_url="http://stripe.example/",
    key_id="acct_1",
    secrets=(SECRET, NEXT_SECRET),
    params={"shop": "own/mall"},
    sealed={"api_key": "sk_test_0123456789\n"},
)
ASK = RefundAsk("R-1", "D1", "pi_1", 888, 1000, "USD", asked_before=False)
CREATED = int(NOW.timestamp()) - 1
INTENT: dict[str, Any] = {
    "id": "pi_1",
    "object": "payment_intent",
    "status": "succeeded",
    "amount": 1000,
    "amount_received": 1000,
    "currency": "usd",
    "created": CREATED,
    "receipt_email": EMAIL,
    "metadata": {"order_no": "D1"},
}
REFUND: dict[str, Any] = {
    "id": "re_1",
    "object": "refund",
    "status": "succeeded",
    "amount": 888,
    "currency": "usd",
    "payment_intent": "pi_1",
    "charge": "ch_1",
    "created": CREATED,
    "metadata": {"order_no": "D1", "refund_no": "R-1"},
}
SESSION: dict[str, Any] = {
    "id": "cs_1",
    "object": "checkout.session",
    "payment_intent": "pi_1",
    "payment_status": "paid",
    "amount_total": 1000,
    "currency": "usd",
    "client_reference_id": "D1",
    "metadata": {},
    "customer_details": {"email": EMAIL},
}


def event(kind: str, carried: Mapping[str, Any], number: str = "evt_1") -> bytes:
    """Write an event."""
    told = {"id": number, "object": "event", "type": kind, "created": CREATED, "data": {"object": carried}}
    return json.dumps(told, ensure_ascii=False).encode()


def signed(body: bytes, at: datetime = NOW, secret: str = SECRET) -> dict[str, str]:
    """Sign as Stripe does, with an old scheme beside it; header names in lower case."""
    seconds = int(at.timestamp())
    proof = hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    return {"stripe-signature": f"t={seconds},v1={proof},v0={'6f' * 32}"}


def notified(kind: str, carried: Mapping[str, Any]) -> Push:
    """Send a signed event."""
    body = event(kind, carried)
    return push(body, headers=signed(body))


def listed(*objects: Mapping[str, Any], has_more: bool = False) -> httpx.Response:
    """Answer with a list, or a search result."""
    return httpx.Response(200, json={"object": "list", "data": list(objects), "has_more": has_more})


def refuses(status: int, kind: str, code: str = "", message: str = "") -> httpx.Response:
    """Answer with an error."""
    told = {"type": kind, "message": message} | ({"code": code} if code else {})
    return httpx.Response(status, json={"error": told})


def merchant(stranger: Stranger) -> StripeMerchant:
    """The caller of the account."""
    return StripeMerchant(STRIPE, stranger.client(), clock)
