"""The buyers and the true state of every order, for all kinds of shop.

Owns what buyers do and what shops know; how a shop speaks of it belongs to its channel (own_shop.py, taobao.py,
douyin.py).
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic
from typing import Protocol

from simulator.clock import now
from simulator.listings import Listings
from simulator.orders import Act, Line, PlannedOrder
from simulator.settings import Profile
from simulator.warehouse import SHIPPED, Warehouse

CALLED_OFF = {"cancelled", "refunded"}
# A deposit is a fifth of the whole.
DEPOSIT_PARTS = 5
LOOK_SECONDS = 0.5


@dataclass(frozen=True)
class Refund:
    """Money given back for one line; `shipped` tells whether the goods had left by then."""

    id: str
    line_no: str
    minor: int
    at: datetime
    shipped: bool


@dataclass(frozen=True)
class Sent:
    """One write-back that was taken: units by line that travel under a waybill."""

    company: str
    waybill: str
    units: Mapping[str, int]
    at: datetime


@dataclass
class ShopOrder:
    """What the shop knows of one order. `status` is "planned" until the buyer acts.

    `held`: paid but not cleared for shipping. `main_at` moves with the status only, `updated_at` with everything.
    `sent` counts the units that were reported as shipped by line, `parcels` tells under which waybills.
    `payments` are the parts in which it was paid, empty for one.
    `received_at`: when the buyer confirmed a marketplace's parcels.
    `ended_at`: in which phase the buyer called the order off. `remark`: as it was edited, empty for the planned one.
    `unheard`: a marketplace's buyer did something that the order system was neither shown nor told.
    """

    plan: PlannedOrder
    status: str = "planned"
    placed_at: datetime | None = None
    deposit_at: datetime | None = None
    paid_at: datetime | None = None
    updated_at: datetime | None = None
    main_at: datetime | None = None
    consigned_at: datetime | None = None
    paid_minor: int = 0
    payments: tuple[int, ...] = ()
    refunded_minor: int = 0
    refunds: list[Refund] = field(default_factory=list)
    held: bool = False
    received_at: datetime | None = None
    sent: Counter[str] = field(default_factory=Counter)
    parcels: list[Sent] = field(default_factory=list)
    messages: int = 0
    messages_sent: int = 0
    accepted_messages: int = 0
    acted: bool = False
    unheard: bool = False
    unlisted: bool = False
    ended_at: str = ""
    written_back: Counter[str] = field(default_factory=Counter)
    promised_again: int = 0
    refused_back: Counter[str] = field(default_factory=Counter)
    remark: str = ""

    @property
    def listed(self) -> bool:
        """Whether the shop shows the order to who asks."""
        return self.status != "planned" and not self.unlisted

    @property
    def wholly_sent(self) -> bool:
        return all(self.sent[line.no] >= line.quantity for line in self.plan.basket.lines)

    def show(self) -> None:
        """Note that the order system was shown the order as it is now."""
        self.accepted_messages += 1
        self.unheard = False

    def edit(self, remark: str) -> None:
        """Let the buyer change what was asked for in words; nothing else moves."""
        self.remark = remark
        self.touch(main=False)

    def touch(self, *, main: bool = True) -> datetime:
        """Move the time of the last change to now, and always forward."""
        moment = now()
        if self.updated_at is not None and moment - self.updated_at < timedelta(milliseconds=1):
            moment = self.updated_at + timedelta(milliseconds=1)
        self.updated_at = moment
        if main or self.main_at is None:
            self.main_at = moment
        return moment

    def send(self, units: Mapping[str, int], company: str, waybill: str) -> None:
        """Book a write-back."""
        before = (bool(self.sent), self.wholly_sent)
        self.sent.update(units)
        self.consigned_at = self.touch(main=before != (bool(self.sent), self.wholly_sent))
        self.parcels.append(Sent(company, waybill, units, self.consigned_at))
        self.written_back[waybill] += 1

    def unsent(self) -> dict[str, int]:
        """Give the units of each line that were not reported as shipped yet."""
        lines = self.plan.basket.lines
        return {line.no: line.quantity - self.sent[line.no] for line in lines if self.sent[line.no] < line.quantity}

    def refunds_of(self, line: Line) -> list[Refund]:
        return [refund for refund in self.refunds if refund.line_no == line.no]


def refund_parts(order: ShopOrder, minor: int) -> list[tuple[Line, int]]:
    """Divide an amount that goes back over the lines, the dearest first."""
    basket, parts = order.plan.basket, []
    paid = sorted(zip(basket.divide(order.paid_minor), basket.lines, strict=True), key=lambda pair: -pair[0])
    for most, line in paid:
        part = min(minor, most)
        if part > 0:
            parts.append((line, part))
            minor -= part
    return parts


class Channel(Protocol):
    """One shop's way to let the order system know of a change; what it is, as in simulator/market.py."""

    waybills: str
    uncharged: bool

    def tell(self, order: ShopOrder, *, hold: bool) -> None:
        """Speak of the order's last change; `hold` lets the next word come first."""

    async def told(self, order: ShopOrder) -> None:
        """Wait until everything that was sent about the order has its answer."""


class Shop:
    """All orders by number, and the buyers' behaviour."""

    def __init__(self, warehouse: Warehouse, profile: Profile) -> None:
        self._warehouse = warehouse
        self._profile = profile
        self.channels: dict[tuple[str, str], Channel] = {}
        self.listings: Listings | None = None
        self.applies: Callable[[ShopOrder, Act], None] = lambda _order, _act: None
        self.orders: dict[str, ShopOrder] = {}

    def admit(self, plan: PlannedOrder) -> ShopOrder:
        order = ShopOrder(plan)
        self.orders[plan.no] = order
        return order

    async def live(self, order: ShopOrder, started_at: datetime) -> None:
        """Play one buyer from the first click to the last, each message after the one before."""
        channel = self.channels[order.plan.channel, order.plan.shop]
        for n, act in enumerate(order.plan.acts):
            await self._wait(order, act)
            if act.case:
                self.applies(order, act)
                continue
            if act.remark:
                order.edit(act.remark)
            else:
                order.ended_at = self._phase(order, act)
                self.change(order, act, started_at)
            channel.tell(order, hold=order.plan.reordered and n == 0)
        await channel.told(order)
        order.acted = True

    def book_as_accepted(self, order: ShopOrder, started_at: datetime) -> None:
        """Plant `lost`: claim that this order was sent and accepted; it never was."""
        self.change(order, Act("paid", 0.0), started_at)
        order.messages_sent = order.accepted_messages = 1
        order.acted = order.unlisted = True

    def change(self, order: ShopOrder, act: Act, started_at: datetime) -> None:
        """Do to the order what the buyer did, in the shop's books."""
        plan = order.plan
        moment = order.touch(main=not act.refund_minor)
        self._show(order, act)
        order.status, order.held = act.status, act.held
        if order.placed_at is None:
            order.placed_at = moment if plan.placed_before is None else started_at - plan.placed_before
        if act.status == "deposit":
            order.deposit_at = moment
            order.paid_minor = plan.basket.total_minor // DEPOSIT_PARTS
        if act.status == "paid" and order.paid_at is None:
            order.paid_at = moment if plan.paid_before is None else started_at - plan.paid_before
            order.paid_minor = plan.basket.total_minor
        if act.status == "refunded":
            self._refund(order, order.paid_minor - order.refunded_minor, moment)
        elif act.refund_minor:
            self._refund(order, act.refund_minor, moment)

    def _show(self, order: ShopOrder, act: Act) -> None:
        """Let buyers see less when one has bought, and as much as before when the shop has not sent it."""
        if self.listings is None:
            return
        shelf = self.listings.shelf((order.plan.channel, order.plan.shop))
        if order.status == "planned":
            shelf.sold(order.plan)
        elif act.status in CALLED_OFF and order.status not in CALLED_OFF and not self.has_left(order):
            shelf.sold(order.plan, 1)

    def has_left(self, order: ShopOrder) -> bool:
        return self._warehouse.reached(order.plan.no, SHIPPED).is_set()

    def _refund(self, order: ShopOrder, minor: int, moment: datetime) -> None:
        """Give money back line by line, the dearest first."""
        order.refunded_minor += minor
        shipped = self.has_left(order)
        for line, part in refund_parts(order, minor):
            order.refunds.append(Refund(f"{order.plan.no}{line.no}"[-18:], line.no, part, moment, shipped))

    def _phase(self, order: ShopOrder, act: Act) -> str:
        """Say in which phase a buyer calls an order off: UNPAID, PAID, a stage that was reached; empty for other acts.

        Whoever waited in vain for a stage has lost patience: PAID.
        """
        if act.status == "cancelled":
            return "UNPAID"
        if act.status != "refunded":
            return ""
        reached = bool(act.stage) and self._warehouse.reached(order.plan.no, act.stage).is_set()
        return act.stage if reached else "PAID"

    async def _wait(self, order: ShopOrder, act: Act) -> None:
        if act.stage:
            reached = self._warehouse.reached(order.plan.no, act.stage)
            # Whoever waits in vain (no stock, an outage) cancels after a while anyway.
            patience = self._profile.ship_patience if act.stage == SHIPPED else self._profile.stage_patience
            gives_up = monotonic() + patience
            # An order whose money went back meanwhile comes to no stage any more.
            while not reached.is_set() and order.status not in CALLED_OFF and monotonic() < gives_up:
                with suppress(TimeoutError):
                    await asyncio.wait_for(reached.wait(), min(LOOK_SECONDS, patience))
        await asyncio.sleep(act.wait)
