"""What Stripe says of payments and refunds, as observations. Owns its objects, states and events.

A payment is a payment intent (`pi_...`). Which order it belongs to stands in its `metadata[order_no]`, which the shop
sets; of a checkout session it may stand in `client_reference_id` instead. A refund of ours carries both numbers in
its metadata; one that somebody made elsewhere carries none and is nobody's here. Amounts are in the smallest unit of
the currency, as ours are: yen have no smaller one. Times are unix seconds.
"""

from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from connectors import fields
from domain.errors import Unparsable
from domain.observations import PaymentObserved, RefundObserved
from domain.payments import RefundState
from domain.shops import Shop

PROVIDER = "stripe"
ORDER_NO, REFUND_NO = "order_no", "refund_no"
"""The names in `metadata`."""
PAID, SESSION_PAID = "payment_intent.succeeded", "checkout.session.completed"
SESSION_PAID_LATER = "checkout.session.async_payment_succeeded"
REFUNDS = frozenset({"refund.created", "refund.updated", "refund.failed"})
"""Events that carry a refund. `charge.refunded` carries a charge, whose refunds it does not number: it is left out."""
REFUND_STATES = {
    "pending": RefundState.PROCESSING,
    "requires_action": RefundState.PROCESSING,
    "succeeded": RefundState.SUCCEEDED,
    "failed": RefundState.ABNORMAL,
    "canceled": RefundState.CLOSED,
}
M = TypeVar("M", bound=BaseModel)


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)


class Event(_Model):
    """A webhook's body."""

    id: str = Field(min_length=1, max_length=fields.MAX_ID)
    type: str
    created: int = Field(default=0, ge=0)
    data: dict[str, Any]


class _Intent(_Model):
    id: str = Field(min_length=1, max_length=fields.MAX_ID)
    status: str
    amount_received: int = Field(ge=0, le=fields.MAX_AMOUNT_MINOR)
    currency: str = Field(min_length=3, max_length=3)
    created: int = Field(ge=0)
    metadata: dict[str, str] = Field(default_factory=dict)


class _Session(_Model):
    payment_intent: str | None = Field(default=None, max_length=fields.MAX_ID)
    payment_status: str
    amount_total: int | None = Field(default=None, ge=0, le=fields.MAX_AMOUNT_MINOR)
    currency: str | None = None
    client_reference_id: str | None = None
    metadata: dict[str, str] | None = None


class Refund(_Model):
    """A refund as an answer or an event shows it."""

    id: str = Field(min_length=1, max_length=fields.MAX_ID)
    status: str | None = None
    amount: int = Field(gt=0, le=fields.MAX_AMOUNT_MINOR)
    currency: str = ""
    payment_intent: str | None = Field(default=None, max_length=fields.MAX_ID)
    created: int = Field(ge=0)
    metadata: dict[str, str] | None = None

    @property
    def number(self) -> str:
        """Our number; empty for a refund that somebody else made."""
        return (self.metadata or {}).get(REFUND_NO, "")


class _Refunds(_Model):
    data: list[Refund]
    has_more: bool = False


class _Intents(_Model):
    data: list[_Intent]


def event(body: bytes) -> Event:
    """Read a webhook's body; Unparsable names the field and the fault."""
    return _json(Event, body)


def notice(told: Event, shop: Shop) -> PaymentObserved | RefundObserved | None:
    """Read what an event carries; None when it is about neither a payment nor a refund of ours."""
    carried = told.data.get("object")
    if told.type == PAID:
        return _payment(_object(_Intent, carried), shop, _moment(told.created))
    if told.type in {SESSION_PAID, SESSION_PAID_LATER}:
        return _session(_object(_Session, carried), shop, _moment(told.created))
    if told.type in REFUNDS:
        seen = _object(Refund, carried)
        return refund_seen(seen, shop, _moment(told.created)) if seen.number else None
    return None


def payments(body: bytes, shop: Shop) -> PaymentObserved | None:
    """Read the answer to a search for an order's payment; None when none of those found was paid."""
    paid = next((one for one in _json(_Intents, body).data if one.status == "succeeded"), None)
    return None if paid is None else _payment(paid, shop, _moment(paid.created))


def refund(body: bytes) -> Refund:
    """Read one refund."""
    return _json(Refund, body)


def refunds(body: bytes) -> tuple[list[Refund], bool]:
    """Read one page of refunds, and whether there are more."""
    page = _json(_Refunds, body)
    return page.data, page.has_more


def refund_seen(seen: Refund, shop: Shop, at: datetime) -> RefundObserved:
    """Say how a refund of ours stands; `at` is when Stripe said so."""
    if (seen.status or "") not in REFUND_STATES:
        raise Unparsable(f"status {fields.vendor_text(seen.status or '')!r} is none of {', '.join(REFUND_STATES)}")
    state = REFUND_STATES[seen.status or ""]
    number = (seen.metadata or {}).get(ORDER_NO, "")
    if not seen.payment_intent or not number:
        raise Unparsable(f"payment_intent or metadata.{ORDER_NO} of the refund is missing")
    channel, code = fields.paid_shop(shop)
    return RefundObserved(
        provider=PROVIDER,
        account=shop.code,
        channel=channel,
        shop=code,
        no=_name(number, ORDER_NO),
        transaction_id=seen.payment_intent,
        refund_no=_name(seen.number, REFUND_NO),
        refund_id=seen.id,
        state=state,
        amount_minor=seen.amount,
        succeeded_at=at if state is RefundState.SUCCEEDED else None,
    )


def _payment(paid: _Intent, shop: Shop, at: datetime) -> PaymentObserved:
    number = paid.metadata.get(ORDER_NO, "")
    return _paid(shop, number, (paid.id, paid.amount_received, paid.currency), at)


def _session(told: _Session, shop: Shop, at: datetime) -> PaymentObserved | None:
    if told.payment_status != "paid":  # a slow way of paying: its own event follows
        return None
    if not told.payment_intent or told.amount_total is None or not told.currency:
        raise Unparsable("payment_intent, amount_total or currency of a paid session is missing")
    number = (told.metadata or {}).get(ORDER_NO, "") or told.client_reference_id or ""
    return _paid(shop, number, (told.payment_intent, told.amount_total, told.currency), at)


def _paid(shop: Shop, number: str, money: tuple[str, int, str], at: datetime) -> PaymentObserved:
    if not number:
        raise Unparsable(f"metadata.{ORDER_NO} is missing: the shop has to write its order number there")
    transaction, amount, currency = money
    channel, code = fields.paid_shop(shop)
    return PaymentObserved(
        provider=PROVIDER,
        account=shop.code,
        channel=channel,
        shop=code,
        no=_name(number, ORDER_NO),
        transaction_id=transaction,
        amount_minor=amount,
        currency=currency.upper(),
        paid_at=at,
    )


def _json(model: type[M], body: bytes) -> M:
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise Unparsable(fields.explain(error)) from error


def _object(model: type[M], carried: object) -> M:
    try:
        return model.model_validate(carried)
    except ValidationError as error:
        raise Unparsable(f"data.object: {fields.explain(error)}") from error


def _name(text: str, name: str) -> str:
    if not 1 <= len(text) <= fields.MAX_ID:
        raise Unparsable(f"metadata.{name} is empty or longer than {fields.MAX_ID} characters")
    return text


def _moment(seconds: int) -> datetime:
    try:
        return fields.believable(datetime.fromtimestamp(seconds, UTC))
    except (ValueError, OverflowError, OSError) as error:
        raise Unparsable("created is no time in unix seconds") from error
