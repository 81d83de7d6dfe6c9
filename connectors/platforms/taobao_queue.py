"""Messages of Taobao and Tmall (TMC) over HTTP: taken from a group of our application, confirmed when stored. Hints.

A group belongs to the application, so that a message names its shop by `user_id`; those of other shops in the group are
left unconfirmed for whoever takes them. The platform gives again what is not confirmed. It speaks of a shop only after
`tmc.user.permit`, which is asked for each time the queue is opened; a repeat is harmless.

Documented: the three calls, the fields of a message, the topics, and `tid` in what a trade's message says. Inferred: a
refund's message holds `refund_id`, as everything else about refunds does, and `pub_time` is local as all times there.
An answer without `is_success` counts as one. The platform has a binary socket for the same messages; it is not used.
"""

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import httpx
from pydantic import Field, ValidationError, field_validator

from connectors import fields
from connectors.outbound import Clock, Queued
from connectors.platforms.taobao_orders import CHANNEL
from connectors.platforms.taobao_top import Lenient, NeededId, Question, TopGateway
from domain.errors import Refused, Unavailable
from domain.observations import CaseHinted, ChannelStatus, Observation, OrderHinted
from domain.shops import Shop

GROUP, SELLER, CHOSEN = "tmc_group", "seller_id", "tmc_topics"
CONSUME, CONFIRM = "taobao.tmc.messages.consume", "taobao.tmc.messages.confirm"
PERMIT = "taobao.tmc.user.permit"
MOST_TAKEN, MOST_CONFIRMED = 100, 200
POLL_SECONDS = 1.0
"""The platform answers at once, also when nothing waits: so long until it is asked again."""

_S = ChannelStatus
_TRADE: Mapping[str, ChannelStatus] = {
    "TradeCreate": _S.UNPAID,
    "TradeBuyerPay": _S.PAID,
    "TradeBuyerStepPay": _S.DEPOSIT,  # at least the first part
    "TradeSellerShip": _S.SHIPPED,
    "TradePartlySellerShip": _S.UNMAPPED,
    "TradeSuccess": _S.COMPLETED,
    # Before or after payment: the trade itself says which.
    "TradeClose": _S.CANCELLED,
    **dict.fromkeys(
        (
            "TradeCloseAndModifyDetailOrder",
            "TradeModifyFee",
            "TradeChanged",
            "TradeLogisticsAddressChanged",
            "TradeMemoModified",
            "TradePartlyRefund",
            "TradePartlyConfirmPay",
            "TradeDelayConfirmPay",
            "TradeTimeoutRemind",
            "TradeRated",
        ),
        _S.UNMAPPED,
    ),
}
_REFUND = (
    "RefundCreated",
    "RefundSellerAgreeAgreement",
    "RefundSellerRefuseAgreement",
    "RefundBuyerModifyAgreement",
    "RefundBuyerReturnGoods",
    "RefundClosed",
    "RefundSuccess",
)
TOPICS: Mapping[str, ChannelStatus] = {
    **{f"taobao_trade_{name}": status for name, status in _TRADE.items()},
    **{f"taobao_refund_{name}": _S.UNMAPPED for name in _REFUND},
}
"""What the topics that we ask for say of the trade."""
EDITS = frozenset({"taobao_trade_TradeMemoModified", "taobao_trade_TradeRated"})
"""Words about a trade, whose state is as it was."""
ITEMS, REFUNDS = "taobao_item_", "taobao_refund_"
AUTH_CANCEL = "taobao_top_AuthCancel"
_CANCELLED = "the seller took the authorisation back: have the shop authorised again, then oms shop token"
_UNKNOWN = (
    "nobody here knows this topic: its messages are kept (oms inbox list), orders and refunds are pulled all the same; "
    "take it out of the application's topics at the platform if it says nothing of them"
)


class _Said(Lenient):
    """What a message is known by, whatever else is wrong with it."""

    id: Annotated[str, Field(max_length=fields.MAX_ID)] = ""
    user_id: Annotated[str, Field(max_length=fields.MAX_ID)] = ""


class _Message(Lenient):
    id: NeededId
    user_id: NeededId
    topic: Annotated[str, Field(min_length=1, max_length=100)]
    content: str = ""
    pub_time: str = ""


_Token = Annotated[str, Field(pattern=r"^[0-9A-Za-z_-]{1,64}$")]


class _Trade(Lenient):
    tid: _Token


class _Refund(Lenient):
    refund_id: _Token
    tid: Annotated[str, Field(pattern=r"^[0-9A-Za-z_-]{0,64}$")] = ""


class _Rows(Lenient):
    tmc_message: Annotated[tuple[Any, ...], Field(max_length=MOST_CONFIRMED)] = ()


class _Waiting(Lenient):
    """What waits; an empty list is left out."""

    messages: _Rows = _Rows()

    @field_validator("messages", mode="before")
    @classmethod
    def _nothing_is_empty(cls, value: object) -> object:
        return value or {}


class _Done(Lenient):
    is_success: bool = True

    @field_validator("is_success", mode="before")
    @classmethod
    def _nothing_is_success(cls, value: object) -> object:
        return True if value is None or value == "" else value


class TaobaoQueue:
    """The messages of one shop."""

    def __init__(self, shop: Shop, http: httpx.AsyncClient, clock: Clock) -> None:
        self._shop = shop
        self._clock = clock
        self._top = TopGateway(shop, http, clock)
        self._permitted = False

    async def take(self, longest_seconds: float) -> Sequence[Queued]:
        """Give what waits for this shop; Refused when the platform does not let the application speak of it."""
        await self._permit()
        loop = asyncio.get_running_loop()
        ends = loop.time() + longest_seconds
        while True:
            taken = await self._consume()
            left = ends - loop.time()
            if taken or left <= 0:
                return taken
            await asyncio.sleep(min(POLL_SECONDS, left))

    async def confirm(self, taken: Sequence[Queued]) -> None:
        """Say that these are stored; one without a number cannot be confirmed, and is stored once by what it says."""
        numbers = [one.receipt for one in taken if one.receipt]
        for begin in range(0, len(numbers), MOST_CONFIRMED):
            some = numbers[begin : begin + MOST_CONFIRMED]
            params = {"group_name": self._group(), "s_message_ids": ",".join(some)}
            question = Question(CONFIRM, f"{len(some)} messages of {self._shop.code}", params)
            answer, _ = await self._top.ask(question, _Done)
            if not answer.is_success:
                raise Unavailable(f"{CHANNEL} did not take back {len(some)} messages: they come again")

    async def close(self) -> None:
        """Nothing is held."""

    async def _permit(self) -> None:
        if self._permitted:
            return
        topics = self._shop.params.get(CHOSEN) or ",".join(TOPICS)
        answer, _ = await self._top.ask(Question(PERMIT, f"topics of {self._shop.code}", {"topics": topics}), _Done)
        if not answer.is_success:
            raise Refused("not-permitted", f"{CHANNEL} does not speak of {self._shop.code}: subscribe its topics there")
        self._permitted = True

    async def _consume(self) -> list[Queued]:
        params = {"group_name": self._group(), "quantity": str(MOST_TAKEN)}
        answer, _ = await self._top.ask(Question(CONSUME, f"messages of {self._shop.code}", params), _Waiting)
        read = [read_message(said, self._shop, self._clock()) for said in answer.messages.tmc_message]
        return [one for one in read if one is not None]

    def _group(self) -> str:
        return fields.param(self._shop, GROUP)


def read_message(said: Any, shop: Shop, at: datetime) -> Queued | None:
    """Read one message taken at a moment; None for one of another shop, a reason for one that cannot be read."""
    raw = json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    named = _named(said)
    if named.user_id and named.user_id != fields.param(shop, SELLER):
        return None
    try:
        message = _Message.model_validate(said)
    except ValidationError as error:
        key = f"tmc:{named.id}" if named.id else hashlib.sha256(raw).hexdigest()
        return Queued(named.id, key, raw, reason=fields.explain(error))
    published = _moment(message.pub_time, shop)
    hints, reason, tell = _hints(message, shop, published or at)
    return Queued(message.id, f"tmc:{message.id}", raw, published, hints, reason, tell)


def read_kept(shop: Shop, raw: bytes, at: datetime) -> Queued | None:
    """Read a message as it was stored."""
    return read_message(json.loads(raw), shop, at)


def _named(said: Any) -> _Said:
    known = said if isinstance(said, dict) else {}
    found: dict[str, str] = {}
    for name in ("id", "user_id"):
        try:
            found |= _Said.model_validate({name: known.get(name)}).model_dump(include={name})
        except ValidationError:
            continue
    return _Said(**found)


_Hints = tuple[tuple[Observation, ...], str, tuple[str, str] | None]


def _hints(message: _Message, shop: Shop, at: datetime) -> _Hints:
    """Give what a message hints at, why it cannot be read, and what people should hear of."""
    topic = message.topic
    if topic == AUTH_CANCEL:
        return (), "", (topic, _CANCELLED)
    if topic not in TOPICS:
        return (), "", None if topic.startswith(ITEMS) else (fields.vendor_text(topic), _UNKNOWN)
    try:
        return _about(message, shop, at), "", None
    except ValidationError as error:
        return (), f"content: {fields.explain(error)}", None


def _about(message: _Message, shop: Shop, at: datetime) -> tuple[Observation, ...]:
    if not message.topic.startswith(REFUNDS):
        trade = _Trade.model_validate_json(message.content)
        return (OrderHinted(CHANNEL, shop.code, trade.tid, TOPICS[message.topic], at, edit=message.topic in EDITS),)
    refund = _Refund.model_validate_json(message.content)
    case = CaseHinted(CHANNEL, shop.code, refund.refund_id, refund.tid, at)
    if not refund.tid:
        return (case,)
    return OrderHinted(CHANNEL, shop.code, refund.tid, TOPICS[message.topic], at), case


def _moment(text: str, shop: Shop) -> datetime | None:
    try:
        return fields.local_time(text, shop.tz)
    except ValueError:
        return None


def faults(shop: Shop) -> list[str]:
    """Say what a shop with a group lacks: without its number it would take messages of other shops for its own."""
    if not shop.params.get(GROUP) or shop.params.get(SELLER):
        return []
    return [f"{SELLER}: needed with {GROUP}: the shop's number at the platform (taobao_user_id of its authorisation)"]
