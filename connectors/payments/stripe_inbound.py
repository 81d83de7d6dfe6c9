"""Receives Stripe's events: payments, and how refunds stand. Of our answer only the HTTP status counts."""

from datetime import datetime

from connectors import fields
from connectors.inbound import Answer, Genuine, Outcome, Push
from connectors.payments import stripe_read as read
from connectors.payments import stripe_sign as signing
from domain.errors import Unparsable
from domain.shops import Shop

STATUSES = {Outcome.ACCEPTED: 200, Outcome.DUPLICATE: 200, Outcome.FORGED: 401, Outcome.UNPARSABLE: 422}


class StripeInbound:
    """Receives events of one account."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    def verify(self, push: Push) -> None:
        """Check Stripe's signature with the endpoint's secrets, and its age."""
        signing.check(self._shop, push.headers, push.body, push.received_at)

    def parse(self, push: Push) -> Genuine:
        """Read an event; its own id is the key. What is about no payment and no refund of ours says nothing."""
        if len(push.body) > fields.MAX_BODY_BYTES:
            raise Unparsable(f"the body is larger than {fields.MAX_BODY_BYTES} bytes")
        told = read.event(push.body)
        seen = read.notice(told, self._shop)
        return Genuine(told.id, signing.signed_at(push.headers), () if seen is None else (seen,))

    def answer(self, outcome: Outcome, reason: str, received_at: datetime) -> Answer:
        """Say it by the status; anything but 2xx brings the event again, for three days."""
        return Answer(STATUSES[outcome], "text/plain", reason.encode() or b"ok")
