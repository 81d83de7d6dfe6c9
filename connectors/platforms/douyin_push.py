"""Messages that the Douyin shop platform pushes. Owns their tags; every one of an order is a hint, never the order.

One of an after-sales case hints at both: at its order, whose money it moves, and at the case. One of an arbitration
(平台介入) says besides that the platform has stepped in: somebody has to answer there, so it is a ticket (EXC-4). What
each of these tags means by itself is not documented; the case itself says how it stands.

A hint's time is the moment of receiving, and it may only be later than that: a message carries no time of sending, and
none of the times inside it tells how new the order is. A refund does not move the order's own update time, and the
"paid" of an order that was held back comes after the time of its payment; hints with those times would be dropped as
older than what is booked. One question too many does no harm.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from connectors import fields
from connectors.inbound import Answer, Genuine, Outcome, Push
from connectors.platforms.douyin_orders import CHANNEL
from connectors.platforms.douyin_sign import event_sign
from connectors.shapes import Code, Id, Lenient
from domain.errors import Forged, Unparsable
from domain.observations import CaseHinted, ChannelStatus, OrderHinted
from domain.shops import Shop
from domain.tickets import TicketKind, TicketObserved, TicketSource

APP_ID, EVENT_SIGN = "app-id", "event-sign"
SHOP_ID = "shop_id"
MAX_MESSAGES = 500
UNREADABLE = 40041
"""Their own code for a message that could not be taken."""

_S = ChannelStatus
_ORDER_TAGS: Mapping[str, ChannelStatus] = {
    "100": _S.UNPAID, "101": _S.PAID, "102": _S.SHIPPED, "103": _S.COMPLETED, "106": _S.CANCELLED,
    # Shipped in part, and paid but not cleared: both are paid orders of which something is still to be shipped.
    "108": _S.PAID, "110": _S.PAID,
    # Waybill, address, amount, memo: the status is as it was.
    "104": _S.UNMAPPED, "105": _S.UNMAPPED, "109": _S.UNMAPPED, "111": _S.UNMAPPED, "113": _S.UNMAPPED,
}  # fmt: skip
_MEMO = "113"
# Created, agreed, returned, refused, succeeded (206) ...: even the last may be of one line only, so the order tells.
_REFUND_TAGS: Mapping[str, ChannelStatus] = {str(tag): _S.UNMAPPED for tag in range(200, 209)}
_ARBITRATION_TAGS: Mapping[str, ChannelStatus] = {str(tag): _S.UNMAPPED for tag in range(212, 219)}
TAGS: Mapping[str, ChannelStatus] = {**_ORDER_TAGS, **_REFUND_TAGS, **_ARBITRATION_TAGS}
"""What the tags that we ask about say of the order. The probe "0" and every other tag is accepted and kept."""

_PLAIN_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")


class _Message(Lenient):
    tag: Annotated[str, Field(min_length=1, max_length=20)]
    msg_id: str = ""
    data: str = ""


class _Data(Lenient):
    p_id: Id
    shop_id: str = ""
    order_status: Code = ""
    aftersale_id: Code = ""
    aftersale_status: Code = ""
    # Seconds, but a text in the data of some tags.
    pay_time: Any = 0
    update_time: Any = 0


_MESSAGES = TypeAdapter(Annotated[tuple[_Message, ...], Field(min_length=1, max_length=MAX_MESSAGES)])


class DouyinInbound:
    """Receives what the platform pushes for one shop."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    def verify(self, push: Push) -> None:
        """Check whose application is meant and the signature over the body as received. There is no time window."""
        given = {name: push.headers.get(name, "") for name in (APP_ID, EVENT_SIGN)}
        missing = [name for name, value in given.items() if not value]
        if missing:
            raise Forged(f"header missing: {', '.join(missing)}")
        if not fields.same(given[APP_ID], self._shop.key_id):
            raise Forged(f"{APP_ID} is not the app key of this shop")
        secrets = fields.usable_secrets(self._shop)
        wanted = [event_sign(self._shop.key_id, secret, push.body) for secret in secrets]
        if not any(fields.same(given[EVENT_SIGN], one) for one in wanted):
            raise Forged(f"{EVENT_SIGN} does not fit the body with any key of this shop")

    def parse(self, push: Push) -> Genuine:
        """Read every message of a push; Unparsable names the one that is wrong, its field and the fault."""
        if len(push.body) > fields.MAX_BODY_BYTES:
            raise Unparsable(f"the body is larger than {fields.MAX_BODY_BYTES} bytes")
        try:
            messages = _MESSAGES.validate_json(push.body)
        except ValidationError as error:
            raise Unparsable(fields.explain(error)) from error
        asked = [(index, message) for index, message in enumerate(messages) if message.tag in TAGS]
        hints = tuple(hint for index, message in asked for hint in self._read(message, index, push.received_at))
        return Genuine(_key(messages, push.body), None, hints)

    def _read(
        self, message: _Message, index: int, received_at: datetime
    ) -> Iterator[OrderHinted | CaseHinted | TicketObserved]:
        where = f"[{index}].data"
        try:
            data = _Data.model_validate_json(message.data)
        except ValidationError as error:
            raise Unparsable(f"{where}: {fields.explain(error)}") from error
        ours = self._shop.params.get(SHOP_ID, "")
        if ours and data.shop_id and data.shop_id != ours:
            raise Unparsable(f"{where}.shop_id is not the shop_id of this shop: push it to its own address")
        told_at = max(_times(data, received_at))
        status, edit = TAGS[message.tag], message.tag == _MEMO
        yield OrderHinted(CHANNEL, self._shop.code, data.p_id, status, told_at, data.order_status, edit)
        if message.tag not in _ORDER_TAGS and data.aftersale_id:
            said = data.aftersale_status
            yield CaseHinted(CHANNEL, self._shop.code, data.aftersale_id, data.p_id, told_at, said)
        if message.tag in _ARBITRATION_TAGS:
            yield self._intervention(message, data, told_at)

    def _intervention(self, message: _Message, data: _Data, told_at: datetime) -> TicketObserved:
        """Make the message of a ticket about the case: one ticket a case, one line a message."""
        about = data.aftersale_id or data.p_id
        told = message.msg_id if _PLAIN_ID.fullmatch(message.msg_id) else _digest(message)
        words = f"平台介入：售后单 {data.aftersale_id or '未说明'}，订单 {data.p_id}，消息 {message.tag}"
        return TicketObserved(
            channel=CHANNEL,
            shop=self._shop.code,
            thread=f"arbitration:{about}",
            message_id=f"arbitration:{told}",
            ticket_kind=TicketKind.COMPLAINT,
            source=TicketSource.CHANNEL,
            said_at=told_at,
            words=words,
            order_no=data.p_id,
            case_no=data.aftersale_id,
        )

    def answer(self, outcome: Outcome, reason: str, received_at: datetime) -> Answer:
        """Say code 0, or 40041 with the reason; whether and how often a refused push comes again is not documented.

        A forged one gets 401 besides. An unreadable one is kept here and gets 200: sending it again would not help.
        """
        if outcome in {Outcome.ACCEPTED, Outcome.DUPLICATE}:
            return _json_answer(200, {"code": 0, "msg": "success"})
        return _json_answer(401 if outcome is Outcome.FORGED else 200, {"code": UNREADABLE, "message": reason})


def _json_answer(status: int, said: Mapping[str, object]) -> Answer:
    return Answer(status, "application/json", json.dumps(said, ensure_ascii=False).encode())


def _digest(message: _Message) -> str:
    return hashlib.sha256(f"{message.tag}\n{message.data}".encode("utf-8", "replace")).hexdigest()


def _times(data: _Data, received_at: datetime) -> list[datetime]:
    """Give the believable times inside a message: our own clock may be a little behind theirs."""
    latest = int((received_at + fields.MAX_DRIFT).timestamp())
    told = [value for value in (data.pay_time, data.update_time) if isinstance(value, int) and 0 < value <= latest]
    return [received_at, *(datetime.fromtimestamp(value, UTC) for value in told)]


def _key(messages: Sequence[_Message], body: bytes) -> str:
    """Join the ids of the messages; a digest when one has none, or one that could be mistaken for two."""
    ids = [message.msg_id for message in messages]
    joined = ",".join(ids)
    if len(joined) <= fields.MAX_ID and all(_PLAIN_ID.fullmatch(one) for one in ids):
        return joined
    named = json.dumps(ids).encode() if all(ids) else body
    return hashlib.sha256(named).hexdigest()
