"""Messages that WeChat pushes for a shop. Owns their events; every one of an order or a case is a hint.

They come sealed ("safe mode"); in the open they are not taken. There is no time window: a message that was not taken
comes again for hours, and whether its timestamp stays is not documented; a repeat has the key of the first, for its key
is a digest of what is said. Assumed: an event names its order and its case as `order_id` and `after_sale_order_id`, at
the top or one level below.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import ConfigDict, Field, ValidationError

from connectors import fields
from connectors.inbound import Answer, Genuine, Outcome, Push
from connectors.platforms.wechatshop_api import CHANNEL, LATEST_SECOND, moment
from connectors.platforms.wechatshop_crypt import sign, unseal
from connectors.shapes import Code, Lenient
from domain.errors import Forged, Unparsable
from domain.observations import CaseHinted, ChannelStatus, Observation, OrderHinted
from domain.shops import Shop

PUSH_TOKEN, AES_KEY = "push_token", "encoding_aes_key"
_S = ChannelStatus
EVENTS: Mapping[str, ChannelStatus] = {
    "channels_ec_order_new": _S.UNPAID,
    "channels_ec_order_cancel": _S.CANCELLED,
    "channels_ec_order_pay": _S.PAID,
    "channels_ec_order_wait_shipping": _S.PAID,
    "channels_ec_order_deliver": _S.UNMAPPED,
    "channels_ec_order_confirm": _S.COMPLETED,
    "channels_ec_order_settle": _S.UNMAPPED,
    "channels_ec_order_ext_info_update": _S.UNMAPPED,
    "channels_ec_aftersale_update": _S.UNMAPPED,
}
"""What the events that we ask about say of the order; every other one is accepted and kept."""


class _Sealed(Lenient):
    Encrypt: Annotated[str, Field(min_length=1)]


class _Event(Lenient):
    Event: str = ""
    CreateTime: Annotated[int, Field(ge=0, le=LATEST_SECOND)] = 0


class _Named(Lenient):
    order_id: Code = ""
    after_sale_order_id: Code = ""


class WechatInbound:
    """Receives what the platform pushes for one shop."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    def greet(self, query: Mapping[str, str]) -> str:
        """Answer the check of our address: give `echostr` back; Forged when it is not the platform that asks."""
        self._check(query, "signature")
        return query.get("echostr", "")

    def verify(self, push: Push) -> None:
        """Check the signature over the sealed body, and that it opens with our key for our application."""
        sealed = self._sealed(push.body)
        self._check(push.query, "msg_signature", sealed)
        self._open(sealed)

    def _check(self, query: Mapping[str, str], name: str, *more: str) -> None:
        token = self._shop.sealed.get(PUSH_TOKEN, "")
        given = [query.get(one, "") for one in ("timestamp", "nonce")]
        if not token or not all(given):
            raise Forged("timestamp or nonce is missing" if token else f"the shop has no {PUSH_TOKEN}: set it")
        if not fields.same(query.get(name, ""), sign(token, *given, *more)):
            raise Forged(f"{name} does not fit with {PUSH_TOKEN}")

    def _sealed(self, body: bytes) -> str:
        try:
            return _Sealed.model_validate_json(body).Encrypt
        except ValidationError as error:
            raise Forged(f"not a sealed message: {fields.explain(error)}: choose the safe mode") from error

    def _open(self, sealed: str) -> bytes:
        return unseal(sealed, self._shop.sealed.get(AES_KEY, ""), self._shop.key_id)

    def parse(self, push: Push) -> Genuine:
        """Read a verified push; Unparsable names the field that is wrong and the fault."""
        said = self._open(self._sealed(push.body))
        try:
            event = _Event.model_validate_json(said)
        except ValidationError as error:
            raise Unparsable(fields.explain(error)) from error
        sent_at = moment(event.CreateTime) if event.CreateTime else None
        key = hashlib.sha256(said).hexdigest()
        if event.Event not in EVENTS:
            return Genuine(key, sent_at, ())
        return Genuine(key, sent_at, tuple(self._hints(said, event, push)))

    def _hints(self, said: bytes, event: _Event, push: Push) -> Iterator[Observation]:
        named = _named(said)
        if not named.order_id and not named.after_sale_order_id:
            raise Unparsable(f"{event.Event} names no order_id and no after_sale_order_id")
        at = moment(event.CreateTime) if event.CreateTime else push.received_at
        if named.order_id:
            yield OrderHinted(CHANNEL, self._shop.code, named.order_id, EVENTS[event.Event], at)
        if named.after_sale_order_id:
            yield CaseHinted(CHANNEL, self._shop.code, named.after_sale_order_id, named.order_id, at)

    def answer(self, outcome: Outcome, reason: str, received_at: object) -> Answer:
        """Say `success`; 401 with the reason for a forged one.

        An unreadable one is kept here and gets `success`: sending it again would not help.
        """
        if outcome is Outcome.FORGED:
            return Answer(401, "text/plain; charset=utf-8", reason.encode())
        return Answer(200, "text/plain; charset=utf-8", b"success")


class _Anything(Lenient):
    """Whatever a message holds."""

    model_config = ConfigDict(extra="allow")


def _named(said: bytes) -> _Named:
    """Find order and case at the top of a message, or one level below."""
    told: dict[str, Any] = _Anything.model_validate_json(said).model_extra or {}
    places = [told, *(one for one in told.values() if isinstance(one, dict))]
    found = {name: place[name] for name in _Named.model_fields for place in reversed(places) if place.get(name)}
    try:
        return _Named.model_validate(found)
    except ValidationError as error:
        raise Unparsable(fields.explain(error)) from error
