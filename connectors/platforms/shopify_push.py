"""Messages that Shopify pushes (webhooks). Owns their topics; every one about an order is a hint, never the order.

The body is the platform's older, REST-shaped JSON: of it only the numbers of the order and of the return are read, and
the order is asked for. A thing may stand inside its own name, several inside their plural or in a list,
as the older answers have them. One of a return hints at both, its order and the case.

A hint's time is the moment of receiving, for a message may come up to four hours late and in any order: what it says of
its own time tells nothing about how new the order is by now. The signature covers the body alone, so a repeat cannot be
told by its time; it costs one question and changes nothing. After the secret was changed the platform signs with the
old one for up to an hour: both keys of the shop are tried (INT-14).
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError

from connectors import fields
from connectors.inbound import Answer, Genuine, Outcome, Push
from connectors.platforms.shopify_graphql import CHANNEL
from connectors.platforms.shopify_orders import Number
from connectors.platforms.shopify_sign import push_sign
from connectors.shapes import Lenient
from domain.errors import Forged, Unparsable
from domain.observations import CaseHinted, ChannelStatus, OrderHinted
from domain.shops import Shop

TOPIC, SIGNATURE, DOMAIN, WEBHOOK_ID, TRIGGERED = (
    "x-shopify-topic",
    "x-shopify-hmac-sha256",
    "x-shopify-shop-domain",
    "x-shopify-webhook-id",
    "x-shopify-triggered-at",
)
SHOP_DOMAIN = "domain"
MAX_THINGS = 250
PAID = "paid"

_S = ChannelStatus
TOPICS: Mapping[str, ChannelStatus] = {
    "orders/create": _S.UNMAPPED,
    "orders/updated": _S.UNMAPPED,
    "orders/edited": _S.UNMAPPED,
    "orders/delete": _S.UNMAPPED,
    "orders/paid": _S.PAID,
    "orders/cancelled": _S.CANCELLED,
    "orders/fulfilled": _S.UNMAPPED,
    # Something is still to be shipped.
    "orders/partially_fulfilled": _S.UNMAPPED,
    "fulfillments/create": _S.UNMAPPED,
    "fulfillments/update": _S.UNMAPPED,
    "fulfillment_events/create": _S.UNMAPPED,
    "refunds/create": _S.UNMAPPED,
    **{
        f"returns/{what}": _S.UNMAPPED
        for what in ("request", "approve", "decline", "cancel", "close", "reopen", "process", "update")
    },
}
"""What the topics that we ask about say of the order. Every other topic is accepted and kept."""
_THINGS: Mapping[str, str] = {
    "orders": "order",
    "fulfillments": "fulfillment",
    "fulfillment_events": "fulfillment_event",
    "refunds": "refund",
    "returns": "return",
}


class _Named(Lenient):
    id: Number


class _Order(_Named):
    financial_status: str = ""


class _About(Lenient):
    """A fulfilment, one of its events, a refund, or an edit of an order."""

    order_id: Number


class _Return(Lenient):
    id: Number
    order_id: str = ""
    order: _Named | None = None


_Body = dict[str, Any] | tuple[dict[str, Any], ...]
_BODY: TypeAdapter[_Body] = TypeAdapter(_Body)
_ROWS: TypeAdapter[tuple[dict[str, Any], ...]] = TypeAdapter(tuple[dict[str, Any], ...])


class ShopifyInbound:
    """Receives what the platform pushes for one shop."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    def verify(self, push: Push) -> None:
        """Check the signature over the body as received, with every key of the shop."""
        given = push.headers.get(SIGNATURE, "")
        if not given:
            raise Forged(f"header missing: {SIGNATURE}")
        wanted = [push_sign(secret, push.body) for secret in fields.usable_secrets(self._shop)]
        if not any(fields.same(given, one) for one in wanted):
            raise Forged(f"{SIGNATURE} does not fit the body with any key of this shop")

    def parse(self, push: Push) -> Genuine:
        """Read what a push is about; Unparsable names the field and the fault."""
        if len(push.body) > fields.MAX_BODY_BYTES:
            raise Unparsable(f"the body is larger than {fields.MAX_BODY_BYTES} bytes")
        ours, theirs = self._shop.params.get(SHOP_DOMAIN, ""), push.headers.get(DOMAIN, "")
        if ours and theirs and ours != theirs:
            raise Unparsable(f"{DOMAIN} is not the domain of this shop: push it to its own address")
        topic = push.headers.get(TOPIC, "")
        if not topic:
            raise Unparsable(f"{TOPIC} is missing: it says what the message is about")
        try:
            # Of another topic nothing is asked, whatever its body is.
            told = _BODY.validate_json(push.body) if topic in TOPICS else ()
            hints = tuple(self._read(topic, told, push.received_at)) if topic in TOPICS else ()
        except ValidationError as error:
            raise Unparsable(fields.explain(error)) from error
        return Genuine(_key(push), _sent_at(push), hints)

    def _read(self, topic: str, told: _Body, at: datetime) -> Iterator[OrderHinted | CaseHinted]:
        for thing in _things(_THINGS[topic.partition("/")[0]], told):
            if topic.startswith("returns/"):
                yield from self._return(thing, at)
            elif topic.startswith("orders/") and topic != "orders/edited":
                order = _Order.model_validate(thing)
                paid = topic == "orders/create" and order.financial_status == PAID
                yield self._order(order.id, _S.PAID if paid else TOPICS[topic], at)
            else:
                yield self._order(_About.model_validate(thing).order_id, TOPICS[topic], at)

    def _return(self, thing: Mapping[str, Any], at: datetime) -> Iterator[OrderHinted | CaseHinted]:
        told = _Return.model_validate(thing)
        no = told.order.id if told.order else told.order_id
        if no:
            yield self._order(no, _S.UNMAPPED, at)
        yield CaseHinted(CHANNEL, self._shop.code, told.id, no, at)

    def _order(self, no: str, status: ChannelStatus, at: datetime) -> OrderHinted:
        return OrderHinted(CHANNEL, self._shop.code, no, status, at)

    def answer(self, outcome: Outcome, reason: str, received_at: datetime) -> Answer:
        """Say 200, or 401 to a forged one.

        An unreadable one is kept here and gets 200: the platform would send the same again, and drops the subscription
        after eight failures.
        """
        taken = outcome is not Outcome.FORGED
        said: dict[str, object] = {"accepted": outcome in {Outcome.ACCEPTED, Outcome.DUPLICATE}}
        said |= {"error": reason} if reason else {}
        return Answer(200 if taken else 401, "application/json", json.dumps(said, ensure_ascii=False).encode())


def _things(name: str, told: _Body) -> tuple[Mapping[str, Any], ...]:
    """Give what a body is about: itself, what stands inside its name, inside its plural, or in a list."""
    if isinstance(told, dict):
        inner, several = told.get(name), told.get(f"{name}s")
        if "id" not in told and isinstance(inner, dict):
            return (inner,)
        if "id" in told or not isinstance(several, list):
            return (told,)
        told = _ROWS.validate_python(several)
    if len(told) > MAX_THINGS:
        raise Unparsable(f"{name}s has more than {MAX_THINGS} entries: send fewer")
    return told


def _key(push: Push) -> str:
    """Give the delivery's id; a digest of topic and body where there is none that can be used."""
    given = push.headers.get(WEBHOOK_ID, "")
    if given and len(given) <= fields.MAX_ID and given.isascii() and given.isprintable():
        return given
    return hashlib.sha256(push.headers.get(TOPIC, "").encode("utf-8", "replace") + b"\n" + push.body).hexdigest()


def _sent_at(push: Push) -> datetime | None:
    try:
        return fields.offset_time(push.headers.get(TRIGGERED, ""))
    except ValueError:
        return None
