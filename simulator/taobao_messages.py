"""Taobao's messages (TMC): what waits in the group of each application until it is confirmed. Owns no orders.

What is not confirmed is given again, and so are, by chance, some that were. A message that is held back comes after the
next one about its order.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic

from simulator import taobao_wire as wire
from simulator.clock import now, stamp
from simulator.seeds import rng
from simulator.settings import Profile
from simulator.taobao_wire import Json, TopError, invalid, text

GROUP = "default"
AGAIN_AFTER_SECONDS = 2.0
LEAST_GIVEN, MOST_GIVEN, MOST_CONFIRMED = 10, 200, 200
TRADES = (
    "TradeCreate",
    "TradeBuyerPay",
    "TradeBuyerStepPay",
    "TradeSellerShip",
    "TradePartlySellerShip",
    "TradeSuccess",
    "TradeClose",
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
)
REFUNDS = (
    "RefundCreated",
    "RefundSellerAgreeAgreement",
    "RefundSellerRefuseAgreement",
    "RefundBuyerModifyAgreement",
    "RefundBuyerReturnGoods",
    "RefundClosed",
    "RefundSuccess",
)
TOPICS = frozenset({f"taobao_trade_{name}" for name in TRADES} | {f"taobao_refund_{name}" for name in REFUNDS})
Params = Mapping[str, str]


@dataclass
class Message:
    """One message; `copies`: so often it comes once more although it was confirmed; `given` is when it was last."""

    told: Json
    heard: Callable[[], None]
    copies: int = 0
    given: float | None = None


class PostOffice:
    """The messages of one application."""

    def __init__(self, app_key: str, profile: Profile, seed: int, faults: Counter[str]) -> None:
        self._app_key = app_key
        self._profile = profile
        self._seed = seed
        self._faults = faults
        self._numbers = 0
        self._waiting: dict[str, Message] = {}
        self._held: dict[str, Message] = {}

    def post(
        self, topic: str, whose: tuple[str, str], content: Json, heard: Callable[[], None], *, hold: bool = False
    ) -> None:
        """Keep a message of a user (number, nick) until it is confirmed; `hold`: the next of its trade goes first."""
        message, trade = self._written(topic, whose, content, heard), str(content["tid"])
        if hold and trade not in self._held:
            self._held[trade] = message
            return
        self._put(message)
        self.flush(trade)

    def flush(self, trade: str) -> None:
        """Let what is held back go: nothing is ever lost, only late."""
        if (held := self._held.pop(trade, None)) is not None:
            self._faults["reordered"] += 1
            self._put(held)

    def _put(self, message: Message) -> None:
        self._waiting[str(message.told["id"])] = message

    def _written(self, topic: str, whose: tuple[str, str], content: Json, heard: Callable[[], None]) -> Message:
        self._numbers += 1
        number = f"{self._app_key[-4:]}{self._numbers:014d}".lstrip("0")
        source = rng(self._seed, "message", self._app_key, number)
        copies = source.choice((1, 2)) if source.random() < self._profile.duplicate_share else 0
        self._faults["duplicated"] += copies
        self._faults["sent_repeatedly"] += copies > 0
        told: Json = {
            "id": int(number),
            "topic": topic,
            "content": json.dumps(content, ensure_ascii=False, separators=(",", ":")),
            "user_id": int(whose[0]),
            "user_nick": whose[1],
            "pub_time": stamp(now()),
            "pub_app_key": self._app_key,
        }
        return Message(told, heard, copies)

    def take(self, most: int) -> list[Json]:
        """Give what waits and was not given lately."""
        at = monotonic()
        due = [one for one in self._waiting.values() if one.given is None or at - one.given > AGAIN_AFTER_SECONDS]
        for one in due[:most]:
            one.given = at
        return [one.told for one in due[:most]]

    def confirm(self, numbers: list[str]) -> None:
        """Hear that these are stored; what is not known was confirmed before."""
        for number in numbers:
            message = self._waiting.get(number)
            if message is None:
                continue
            message.heard()
            if message.copies:
                message.copies, message.given = message.copies - 1, None
            else:
                del self._waiting[number]

    @property
    def waiting(self) -> int:
        return len(self._waiting) + len(self._held)


class Subscriber:
    """A shop whose application may hear of it, once it is permitted."""

    post: PostOffice
    permitted: frozenset[str] = frozenset()


def permit(shop: Subscriber, params: Params) -> Json:
    """Let the application hear of a shop's topics from now on."""
    topics = frozenset(name.strip() for name in text(params, "topics").split(","))
    if not topics <= TOPICS:
        raise invalid("topics", "names a topic that the application has not subscribed to")
    shop.permitted = topics
    return {"is_success": True}


def consume(shop: Subscriber, params: Params) -> Json:
    """Give what waits for the application; an empty list is left out."""
    _check_group(params)
    most = wire.whole(params, "quantity", MOST_GIVEN // 2, MOST_GIVEN)
    if most < LEAST_GIVEN:
        raise invalid("quantity", f"must be from {LEAST_GIVEN} to {MOST_GIVEN}")
    messages = shop.post.take(most)
    return {"messages": {"tmc_message": messages}} if messages else {}


def confirm(shop: Subscriber, params: Params) -> Json:
    """Hear which messages are stored."""
    _check_group(params)
    numbers = [number.strip() for number in text(params, "s_message_ids").split(",")]
    if len(numbers) > MOST_CONFIRMED or not all(one.isascii() and one.isdigit() for one in numbers):
        raise invalid("s_message_ids", f"must be up to {MOST_CONFIRMED} numbers")
    shop.post.confirm(numbers)
    return {"is_success": True}


def _check_group(params: Params) -> None:
    if text(params, "group_name") != GROUP:
        raise TopError(15, "isv.group-not-exist", "the application has no such group")


METHODS: Mapping[str, Callable[[Subscriber, Params], Json]] = {
    "taobao.tmc.user.permit": permit,
    "taobao.tmc.messages.consume": consume,
    "taobao.tmc.messages.confirm": confirm,
}
