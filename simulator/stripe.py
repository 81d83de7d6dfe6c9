"""Stripe: takes the own shop's buyers' money, pays it back, and tells. Owns its objects; the books are the till's.

A refund is told apart by nothing but the call's `Idempotency-Key`: the first answer is given again under the same key,
another key is another refund. The asker's own number stands in the metadata; a refund without one is numbered here.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any
from urllib.parse import parse_qsl

from simulator import settings as given
from simulator.clock import now
from simulator.sending import Request, Sender
from simulator.settings import Profile
from simulator.tally import Tasks
from simulator.till import Notice, Overdrawn, Payment, Refund, Till

Json = dict[str, Any]
CURRENCY = "cny"
MOST_KEY = 255
_SEARCH = re.compile(r"metadata\['order_no'\]:'((?:[^'\\]|\\.)*)'")


@dataclass(frozen=True)
class Asked:
    """One call; `path` without `/v1/`."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


class _No(Exception):
    """Stripe's no: HTTP status, type, code and words."""

    def __init__(self, status: int, kind: str, words: str, code: str = "") -> None:
        super().__init__(code or kind)
        self.status = status
        self.told = {"type": kind, "message": words} | ({"code": code} if code else {})


class Stripe(Till):
    """One account with its payment intents."""

    vendor, lots = "stripe", " stripe"

    def __init__(
        self, settings: given.Stripe, url: str, sender: Sender, tasks: Tasks, world: tuple[Profile, int]
    ) -> None:
        super().__init__(settings.shop, url, sender, tasks, world)
        self.settings = settings
        self._answered: dict[str, tuple[bytes, int, Json]] = {}
        self._turns = 0

    def _names(self, source: Random) -> tuple[str, str]:
        return f"pi_{source.randrange(16**24):024x}", f"buyer-{source.randrange(10**6)}@example.com"

    def _refund_id(self, n: int) -> str:
        return f"re_{n:024d}"

    # -- calls -------------------------------------------------------------------------------------------------------

    def answer(self, asked: Asked) -> tuple[int, Json]:
        """Answer one call, checked; errors in the vendor's words."""
        try:
            return self._answer(asked)
        except _No as no:
            self._sender.count(f"payment_answered_{no}")
            return no.status, {"error": no.told}

    def _answer(self, asked: Asked) -> tuple[int, Json]:
        key = self.settings.api_key.get_secret_value()
        if not hmac.compare_digest(asked.headers.get("authorization", "").encode(), f"Bearer {key}".encode()):
            raise _No(401, "invalid_request_error", "Invalid API Key provided")
        if self._limited():
            raise _No(429, "invalid_request_error", "Too many requests", "rate_limit")
        match asked.method, asked.path:
            case "POST", "refunds":
                return self._once(asked)
            case "GET", "refunds":
                return 200, self._listed(asked.query)
            case "GET", "payment_intents/search":
                return 200, self._found(asked.query.get("query", ""))
        raise _No(404, "invalid_request_error", f"Unrecognized request URL ({asked.method}: /v1/{asked.path})")

    def _once(self, asked: Asked) -> tuple[int, Json]:
        """Carry out a refund, or give the first answer under its key again."""
        key = asked.headers.get("idempotency-key", "")
        if not 1 <= len(key) <= MOST_KEY:
            raise _No(400, "invalid_request_error", "Idempotency-Key is missing or too long")
        if key not in self._answered:
            self._answered[key] = (asked.body, 200, self._refund(dict(parse_qsl(asked.body.decode()))))
        body, status, told = self._answered[key]
        if body != asked.body:
            words = "Keys for idempotent requests can only be used with the same parameters they were first used with."
            raise _No(400, "idempotency_error", words)
        self.refunds[told["metadata"].get("refund_no", "") or told["id"]].asked += 1
        return status, told

    def _refund(self, form: Mapping[str, str]) -> Json:
        payment = self._paid_as(form.get("payment_intent", ""))
        if payment is None:
            raise _No(404, "invalid_request_error", "No such payment_intent", "resource_missing")
        amount = form.get("amount", "")
        if not amount.isdigit() or not int(amount):
            raise _No(400, "invalid_request_error", "Invalid positive integer", "parameter_invalid_integer")
        number = form.get("metadata[refund_no]") or self._refund_id(len(self.refunds) + 1)
        if number in self.refunds:  # Stripe would pay again: here it shows in the books
            self.refunds[number].payouts += 1
            return self._told(self.refunds[number])
        try:
            return self._told(self._merchants(payment, number, int(amount)))
        except Overdrawn as error:
            if error.empty:
                raise _No(400, "invalid_request_error", "Insufficient funds in your Stripe balance.") from None
            words = "Refund amount is greater than unrefunded amount on charge."
            raise _No(400, "invalid_request_error", words, "charge_already_refunded") from None

    def _listed(self, query: Mapping[str, str]) -> Json:
        wanted = query.get("payment_intent", "")
        found = [self._told(one) for one in self.refunds.values() if one.payment.transaction_id == wanted]
        return {"object": "list", "url": "/v1/refunds", "has_more": False, "data": found[::-1]}

    def _found(self, query: str) -> Json:
        match = _SEARCH.fullmatch(query)
        if match is None:
            raise _No(400, "invalid_request_error", "We were unable to parse your search query.")
        payment = self.payments.get(re.sub(r"\\(.)", r"\1", match.group(1)))
        found = [] if payment is None else [_intent(payment)]
        return {"object": "search_result", "url": "/v1/payment_intents/search", "has_more": False, "data": found}

    # -- what is told ------------------------------------------------------------------------------------------------

    def _told(self, refund: Refund) -> Json:
        numbers = {"order_no": refund.payment.no, "refund_no": refund.no} if refund.by == "merchant" else {}
        return {
            "id": refund.refund_id,
            "object": "refund",
            "amount": refund.amount_minor,
            "currency": CURRENCY,
            "payment_intent": refund.payment.transaction_id,
            "charge": f"ch_{refund.payment.transaction_id[3:]}",
            "reason": "requested_by_customer",
            "status": "succeeded" if refund.status == "SUCCESS" else "pending",
            "created": _seconds(refund.at or now()),
            "metadata": numbers,
        }

    def _payment_notice(self, payment: Payment) -> Notice:
        return self._event(f"evt_{payment.transaction_id}", "payment_intent.succeeded", _intent(payment))

    def _refund_notice(self, refund: Refund) -> Notice:
        return self._event(f"evt_{refund.refund_id}", "refund.updated", self._told(refund))

    def _event(self, number: str, kind: str, carried: Json) -> Notice:
        told = {"id": number, "object": "event", "type": kind, "created": _seconds(now()), "livemode": False}
        body = json.dumps(told | {"data": {"object": carried}}, ensure_ascii=False).encode()
        return Notice(number, lambda: Request(self._url, self._signed(body), body))

    def _signed(self, body: bytes) -> dict[str, str]:
        seconds = _seconds(now())
        proofs = [
            hmac.new(secret.get_secret_value().encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
            for secret in self.settings.signing_secrets
        ]
        header = ",".join([f"t={seconds}", *(f"v1={proof}" for proof in proofs), f"v0={'0' * 64}"])
        return {"Content-Type": "application/json; charset=utf-8", "Stripe-Signature": header}


def _intent(payment: Payment) -> Json:
    return {
        "id": payment.transaction_id,
        "object": "payment_intent",
        "status": "succeeded",
        "amount": payment.amount_minor,
        "amount_received": payment.amount_minor,
        "currency": CURRENCY,
        "created": _seconds(payment.at),
        "receipt_email": payment.payer,
        "metadata": {"order_no": payment.no},
    }


def _seconds(at: datetime) -> int:
    return int(at.timestamp())
