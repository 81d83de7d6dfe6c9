"""Messages that Xiaohongshu's shop platform pushes. Owns their tags; every one is a hint, never the order.

How they are signed is known from one sample: the headers `app-key`, `timestamp` and `sign`, over the path and the
query, not over the body. It is enforced unless the shop's `push_sign` is off; then a message must name the shop's
`seller_id`. In both cases nothing is believed but that an order or a case should be asked for. A message has no id:
its body's digest is its key. A hint's time is the moment of receiving, as a refund moves none of the times that a
message tells.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import urlencode

from pydantic import Field, TypeAdapter, ValidationError

from connectors import fields
from connectors.inbound import Answer, Genuine, Outcome, Push
from connectors.platforms.xhs_gateway import CHANNEL
from connectors.platforms.xhs_orders import EXCHANGE
from connectors.platforms.xhs_sign import push_sign
from connectors.shapes import LATEST_SECOND, Code, Id, Lenient
from domain.errors import Forged, Unparsable
from domain.observations import CaseHinted, ChannelStatus, OrderHinted
from domain.shops import Shop

APP_KEY, TIMESTAMP, SIGN = "app-key", "timestamp", "sign"
PUSH_SIGN, PUSH_PATH, SELLER_ID, OFF = "push_sign", "push_path", "seller_id", "off"
MAX_MESSAGES = 500
ORDER_TAGS = frozenset(
    f"msg_fulfillment_{what}"
    for what in ("status_change", "receiver_change", "seller_remark_change", "delivery_time_change")
)
REMARK_TAG = "msg_fulfillment_seller_remark_change"
CASE_TAGS = frozenset(
    f"msg_after_sale_{what}" for what in ("create", "audit_pass", "confirm_receive", "refund_finished", "transfer")
)
"""Every other tag is accepted and kept."""


class _Message(Lenient):
    msgTag: Annotated[str, Field(min_length=1, max_length=100)]
    sellerId: str = ""
    data: str = ""


class _Data(Lenient):
    orderId: Id
    orderStatus: Code = ""


class _CaseData(Lenient):
    orderId: Id
    returnsId: Id


_MESSAGES = TypeAdapter(Annotated[tuple[_Message, ...], Field(min_length=1, max_length=MAX_MESSAGES)])


class XhsInbound:
    """Receives what the platform pushes for one shop."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    def verify(self, push: Push) -> None:
        """Check application, time and signature; without a signature, whose shop is meant."""
        if self._shop.params.get(PUSH_SIGN) == OFF:
            return self._check_seller(push)
        given = {name: push.headers.get(name, "") for name in (APP_KEY, TIMESTAMP, SIGN)}
        missing = [name for name, value in given.items() if not value]
        if missing:
            raise Forged(f"header missing: {', '.join(missing)}")
        if not fields.same(given[APP_KEY], self._shop.key_id):
            raise Forged(f"{APP_KEY} is not the app id of this shop")
        if not fields.is_timely(_moment(given[TIMESTAMP]), push.received_at):
            raise Forged(f"{TIMESTAMP} is more than {fields.MAX_DRIFT} from our clock")
        path = self._shop.params.get(PUSH_PATH) or f"/in/{CHANNEL}/{self._shop.code}"
        named = (path, given[APP_KEY], urlencode(push.query), given[TIMESTAMP])
        wanted = [push_sign(*named, secret) for secret in fields.usable_secrets(self._shop)]
        if not any(fields.same(given[SIGN], one) for one in wanted):
            raise Forged(f"{SIGN} does not fit {path} with any key of this shop; behind a proxy set {PUSH_PATH}")
        return None

    def _check_seller(self, push: Push) -> None:
        ours = self._shop.params.get(SELLER_ID, "")
        try:
            messages = _MESSAGES.validate_json(push.body)
        except ValidationError as error:
            raise Forged("the body is no list of messages") from error
        if not ours or any(not fields.same(one.sellerId, ours) for one in messages):
            raise Forged(f"sellerId is not the {SELLER_ID} of this shop: set it")

    def parse(self, push: Push) -> Genuine:
        """Read every message of a push; Unparsable names the one that is wrong, its field and the fault."""
        if len(push.body) > fields.MAX_BODY_BYTES:
            raise Unparsable(f"the body is larger than {fields.MAX_BODY_BYTES} bytes")
        try:
            messages = _MESSAGES.validate_json(push.body)
        except ValidationError as error:
            raise Unparsable(fields.explain(error)) from error
        told = enumerate(messages)
        hints = tuple(hint for place, message in told for hint in self._read(message, place, push.received_at))
        return Genuine(hashlib.sha256(push.body).hexdigest(), None, hints)

    def _read(self, message: _Message, place: int, received_at: datetime) -> Iterator[OrderHinted | CaseHinted]:
        ours = self._shop.params.get(SELLER_ID, "")
        if ours and message.sellerId and message.sellerId != ours:
            raise Unparsable(f"[{place}].sellerId is not the {SELLER_ID} of this shop: push it to its own address")
        code, unknown = self._shop.code, ChannelStatus.UNMAPPED
        try:
            if message.msgTag in ORDER_TAGS:
                data = _Data.model_validate_json(message.data)
                status = "" if data.orderStatus == str(EXCHANGE) else data.orderStatus
                edit = message.msgTag == REMARK_TAG
                yield OrderHinted(CHANNEL, code, data.orderId, unknown, received_at, status, edit)
            elif message.msgTag in CASE_TAGS:
                case = _CaseData.model_validate_json(message.data)
                yield OrderHinted(CHANNEL, code, case.orderId, unknown, received_at)
                yield CaseHinted(CHANNEL, code, case.returnsId, case.orderId, received_at)
        except ValidationError as error:
            raise Unparsable(f"[{place}].data: {fields.explain(error)}") from error

    def answer(self, outcome: Outcome, reason: str, received_at: datetime) -> Answer:
        """Say success, also for what is kept as unreadable: sending it again would not help. 401 for a forged one."""
        if outcome is Outcome.FORGED:
            return _json_answer(401, {"success": False, "error_code": 401, "error_msg": reason})
        return _json_answer(200, {"success": True, "error_code": 0, "error_msg": ""})


def _json_answer(status: int, said: Mapping[str, object]) -> Answer:
    return Answer(status, "application/json", json.dumps(said, ensure_ascii=False).encode())


def _moment(text: str) -> datetime:
    """Read seconds, or milliseconds: which of them is not documented."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 13 else 0
    second = number / 1000 if number > LATEST_SECOND else number
    return datetime.fromtimestamp(second, UTC)
