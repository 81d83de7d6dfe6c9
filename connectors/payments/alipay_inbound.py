"""Receives what Alipay notifies: trades that were paid, and refunds of them. Only the body `success` is an answer."""

from datetime import datetime
from urllib.parse import parse_qsl

from connectors import fields
from connectors.inbound import Answer, Genuine, Outcome, Push
from connectors.payments import alipay_read as read
from connectors.payments import alipay_sign as signing
from domain.errors import Forged, Unparsable
from domain.shops import Shop

MAX_FORM_FIELDS = 100
STATUSES = {Outcome.ACCEPTED: 200, Outcome.DUPLICATE: 200, Outcome.FORGED: 401, Outcome.UNPARSABLE: 422}
ACCOUNT = {"app_id": "key id", "seller_id": "param seller_id"}
"""What names us in a notification, and where the account has it."""


class AlipayInbound:
    """Receives notifications of one application."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    def verify(self, push: Push) -> None:
        """Check Alipay's signature, and that we are meant: it signs for everybody. The format has no time window."""
        try:
            form = _form(push)
        except Unparsable as error:
            raise Forged(error.reason) from error
        signing.check_notice(self._shop, form)
        ours = {"app_id": self._shop.key_id, "seller_id": fields.param(self._shop, "seller_id")}
        for name, value in ours.items():
            if not fields.same(form.get(name, ""), value):
                raise Forged(f"{name} is not the one of this account ({ACCOUNT[name]})")

    def parse(self, push: Push) -> Genuine:
        """Read a notification; `notify_id` is the key, repeats carry the same."""
        form = _form(push)
        number = form.get("notify_id", "")
        if not 1 <= len(number) <= fields.MAX_ID:
            raise Unparsable(f"notify_id is missing or longer than {fields.MAX_ID} characters")
        seen = read.notice(form, self._shop, push.received_at)
        # `notify_time` is no time of sending: whether repeats carry a new one is not known, and a day is no drift.
        return Genuine(number, None, () if seen is None else (seen,))

    def answer(self, outcome: Outcome, reason: str, received_at: datetime) -> Answer:
        """Say `success` and nothing else; anything else brings it again, 8 times within 25 hours."""
        status = STATUSES[outcome]
        return Answer(status, "text/plain", b"success" if status == 200 else f"fail: {reason}".encode())


def _form(push: Push) -> dict[str, str]:
    if len(push.body) > fields.MAX_BODY_BYTES:
        raise Unparsable(f"the body is larger than {fields.MAX_BODY_BYTES} bytes")
    try:
        text = push.body.decode()
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FORM_FIELDS)
    except ValueError as error:
        raise Unparsable("the body is not a URL-encoded form in UTF-8") from error
    return dict(pairs)
