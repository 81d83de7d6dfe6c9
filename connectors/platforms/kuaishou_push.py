"""Messages that Kuaishou's shop platform pushes. Owns their events; every one is a hint, never the order.

One of an after-sales case hints at both: at its order, whose money it moves, and at the case. A hint's time is the
moment of receiving, and may only be later: what a message tells of times is not how new the order is, and a hint that
looks older than what is booked would be dropped. `test` is a heartbeat. There is no time window: a push comes up to
three times again.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, ValidationError
from pydantic_core import from_json

from connectors import fields
from connectors.inbound import Answer, Genuine, Outcome, Push
from connectors.platforms.kuaishou_gateway import CHANNEL, MSG_SECRET
from connectors.platforms.kuaishou_sign import opened
from connectors.shapes import Code, Id, Lenient, believable_millis
from domain.errors import Forged, Unparsable
from domain.observations import CaseHinted, ChannelStatus, OrderHinted
from domain.shops import Shop

_S = ChannelStatus
EVENTS: Mapping[str, ChannelStatus] = {
    "kwaishop_order_addOrder": _S.UNPAID,
    "kwaishop_order_paySuccess": _S.PAID,
    "kwaishop_order_delivering": _S.SHIPPED,
    "kwaishop_order_deliverySuccess": _S.SIGNED,
    "kwaishop_order_orderSuccess": _S.COMPLETED,
    "kwaishop_order_orderFail": _S.CANCELLED,
    # Address and note: the status is as it was.
    "kwaishop_order_addressChange": _S.UNMAPPED,
    "kwaishop_order_addNote": _S.UNMAPPED,
}
CASE_EVENTS = frozenset({"kwaishop_aftersales_addRefund", "kwaishop_aftersales_updateRefund"})
"""Every other event is accepted and kept."""


class _Event(Lenient):
    event: Annotated[str, Field(min_length=1, max_length=100)]
    eventId: str = ""
    bizId: str = ""
    appKey: str = ""
    info: str = ""
    updateTime: Any = None
    test: bool = False


class _OrderInfo(Lenient):
    oid: Id
    status: Code = ""


class _CaseInfo(Lenient):
    orderId: Id
    refundId: Id
    status: Code = ""


class KuaishouInbound:
    """Receives what the platform pushes for one shop."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    def verify(self, push: Push) -> None:
        """Raise Forged unless one of the shop's message secrets opens it, and it is for this application."""
        plain = self._opened(push)
        try:
            told = from_json(plain)
        except ValueError as error:
            raise Forged("no message secret of this shop opens the body") from error
        if not isinstance(told, dict) or not fields.same(str(told.get("appKey", "")), self._shop.key_id):
            raise Forged("appKey is not the app key of this shop")

    def _opened(self, push: Push) -> bytes:
        """Open with the secret in use or the one before, a line each."""
        if len(push.body) > fields.MAX_BODY_BYTES:
            raise Forged(f"the body is larger than {fields.MAX_BODY_BYTES} bytes: nothing so large is opened")
        for secret in self._shop.sealed.get(MSG_SECRET, "").split():
            try:
                return opened(push.body, secret)
            except ValueError:
                continue
        raise Forged("no message secret of this shop opens the body")

    def parse(self, push: Push) -> Genuine:
        """Read a verified push; Unparsable names the field and the fault."""
        try:
            plain = self._opened(push)
        except Forged as error:
            raise Unparsable(error.reason) from error
        try:
            event = _Event.model_validate_json(plain)
        except ValidationError as error:
            raise Unparsable(fields.explain(error)) from error
        hints = () if event.test else tuple(self._read(event, push.received_at))
        named = event.eventId if 0 < len(event.eventId) <= fields.MAX_ID else hashlib.sha256(plain).hexdigest()
        return Genuine(named, None, hints)

    def _read(self, event: _Event, received_at: datetime) -> Iterator[OrderHinted | CaseHinted]:
        told_at = believable_millis(event.updateTime) or received_at
        told_at = min(max(told_at, received_at), received_at + fields.MAX_DRIFT)
        try:
            if event.event in EVENTS:
                order = _OrderInfo.model_validate_json(event.info)
                status = EVENTS[event.event]
                yield OrderHinted(CHANNEL, self._shop.code, order.oid, status, told_at, order.status)
            elif event.event in CASE_EVENTS:
                case = _CaseInfo.model_validate_json(event.info)
                yield OrderHinted(CHANNEL, self._shop.code, case.orderId, _S.UNMAPPED, told_at)
                yield CaseHinted(CHANNEL, self._shop.code, case.refundId, case.orderId, told_at, case.status)
        except ValidationError as error:
            raise Unparsable(f"info: {fields.explain(error)}") from error

    def answer(self, outcome: Outcome, reason: str, received_at: datetime) -> Answer:
        """Say result 1, also for what is kept as unreadable: sending it again would not help. 401 for a forged one."""
        if outcome is Outcome.FORGED:
            return _json_answer(401, {"result": 0, "error_msg": reason})
        return _json_answer(200, {"result": 1})


def _json_answer(status: int, said: Mapping[str, object]) -> Answer:
    return Answer(status, "application/json", json.dumps(said, ensure_ascii=False).encode())
