"""Where own-shop buyers pay: one account at a payment provider, whichever it is. Owns its books and the telling.

A refund is known by its asker's number: the same number pays once. The shop gives back what its own buyers call off
under numbers of its own. What calls and notices look like is each provider's file.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import ClassVar

import httpx

from simulator.clock import now
from simulator.seeds import Lots, rng
from simulator.sending import Letter, Request, Sender, Verdict, verdict_of_status
from simulator.settings import Profile
from simulator.shop import ShopOrder
from simulator.tally import Tasks


@dataclass
class Payment:
    """What a buyer paid; `back_minor` is given back or on its way."""

    no: str
    transaction_id: str
    amount_minor: int
    payer: str
    at: datetime
    back_minor: int = 0


@dataclass
class Refund:
    """One refund; `asked` counts the calls for it, `payouts` how often its money left."""

    no: str
    payment: Payment
    amount_minor: int
    refund_id: str
    by: str
    notify_url: str = ""
    status: str = "PROCESSING"
    at: datetime | None = None
    asked: int = 0
    payouts: int = 0


@dataclass(frozen=True)
class Notice:
    """One message; it is signed anew for each attempt."""

    name: str
    sign: Callable[[], Request]


class Overdrawn(Exception):
    """More should go back than was paid, or than is in the account; `empty` says which."""

    def __init__(self, *, empty: bool = False) -> None:
        super().__init__("empty" if empty else "too much")
        self.empty = empty


class Till(ABC):
    """One account with its payments and refunds."""

    vendor: ClassVar[str]
    lots: ClassVar[str] = ""
    """Tells the lots of one provider from another's."""

    def __init__(self, shop: str, url: str, sender: Sender, tasks: Tasks, world: tuple[Profile, int]) -> None:
        self.payments: dict[str, Payment] = {}
        self.refunds: dict[str, Refund] = {}
        self.paid_back: Callable[[str, int], None] = lambda _no, _minor: None
        self._url = f"{url}/in/{self.vendor}/{shop}"
        self._sender = sender
        self._tasks = tasks
        self._profile, self._seed = world
        self._lost = Lots(self._seed, f"lost notice{self.lots}", self._profile.notify_lost_share)
        self._limits = Lots(self._seed, f"payment limit{self.lots}", self._profile.limit_share)
        self._broke = self._profile.refunds_without_money

    # -- what each provider does in its own way ----------------------------------------------------------------------

    @abstractmethod
    def _names(self, source: Random) -> tuple[str, str]:
        """Draw the number of a payment and the name of its payer."""

    @abstractmethod
    def _refund_id(self, n: int) -> str:
        """Number the nth refund."""

    @abstractmethod
    def _payment_notice(self, payment: Payment) -> Notice:
        """Write that a payment was made."""

    @abstractmethod
    def _refund_notice(self, refund: Refund) -> Notice | None:
        """Write that a refund was paid out; None when nobody wants to hear it."""

    # -- what the shop and its buyers do -----------------------------------------------------------------------------

    def note(self, order: ShopOrder) -> None:
        """Take the buyer's money when the shop has it, and give back what the shop gave back by itself."""
        if not order.paid_minor or order.deposit_at:  # deposits and their balances are paid at the shop itself
            return
        payment = self.payments.get(order.plan.no)
        if payment is None:
            payment = self._take(order)
        gap = order.refunded_minor - payment.back_minor
        if gap > 0:
            refund = self._open(payment, f"SHOP-{payment.no}-{len(self.refunds) + 1}", gap, by="shop")
            self._pay_out(refund)

    def _take(self, order: ShopOrder) -> Payment:
        no, source = order.plan.no, rng(self._seed, "payment", order.plan.no)
        number, payer = self._names(source)
        payment = Payment(no, number, order.paid_minor, payer, order.paid_at or now())
        self.payments[no] = payment
        if self._lost.draw():
            self._sender.count("payment_notices_lost")
        else:
            pause = source.uniform(0, self._profile.notify_within)
            self._tasks.spawn(self._notify(self._payment_notice(payment), pause))
        return payment

    # -- what the merchant asks --------------------------------------------------------------------------------------

    def _limited(self) -> bool:
        """Say whether this call is one too many."""
        limited = self._limits.draw()
        if limited:
            self._sender.count("payment_limited")
        return limited

    def _paid_as(self, transaction_id: str) -> Payment | None:
        return next((one for one in self.payments.values() if one.transaction_id == transaction_id), None)

    def _merchants(self, payment: Payment, number: str, minor: int, notify_url: str = "") -> Refund:
        """Open a refund that the merchant asks for, and carry it out; raises Overdrawn."""
        if self._broke:
            self._broke -= 1
            raise Overdrawn(empty=True)
        refund = self._open(payment, number, minor, by="merchant")
        refund.notify_url = notify_url
        self._carry_out(refund)
        return refund

    def _open(self, payment: Payment, number: str, minor: int, *, by: str) -> Refund:
        if minor > payment.amount_minor - payment.back_minor:
            raise Overdrawn
        payment.back_minor += minor
        refund = Refund(number, payment, minor, self._refund_id(len(self.refunds) + 1), by)
        self.refunds[number] = refund
        return refund

    def _carry_out(self, refund: Refund) -> None:
        source = rng(self._seed, "refund", refund.no)
        if source.random() < self._profile.refund_processing_share:
            self._sender.count("refunds_processing")
            self._tasks.spawn(self._later(refund))
        else:
            self._pay_out(refund)

    async def _later(self, refund: Refund) -> None:
        await asyncio.sleep(self._profile.refund_processing_seconds)
        self._pay_out(refund)

    def _pay_out(self, refund: Refund) -> None:
        refund.status, refund.at = "SUCCESS", now()
        refund.payouts += 1
        if refund.by == "merchant":
            self.paid_back(refund.payment.no, refund.amount_minor)
        notice = self._refund_notice(refund)
        if notice is None:
            return
        if self._lost.draw():
            self._sender.count("payment_notices_lost")
        else:
            self._tasks.spawn(self._notify(notice, 0.0))

    # -- what is told ------------------------------------------------------------------------------------------------

    async def _notify(self, notice: Notice, pause: float) -> None:
        """Send a notice until it is taken, doubled if chance says so."""
        await asyncio.sleep(pause)
        lane = self._sender.lane("payment")
        lane.post(Letter("payment", notice.name, notice.sign, self._read))
        await lane.empty()

    def _read(self, response: httpx.Response) -> Verdict:
        return verdict_of_status(response.status_code)


class Tills:
    """All providers of one shop; the seed decides at which a buyer pays, each with a share, the last with the rest."""

    def __init__(self, seed: int, tills: Sequence[tuple[Till, float]]) -> None:
        self._seed = seed
        self._tills = tills

    def note(self, order: ShopOrder) -> None:
        """Let the order's buyer pay where he pays."""
        place = rng(self._seed, "till", order.plan.no).random()
        for till, share in self._tills:
            if place < share:
                till.note(order)
                return
            place -= share
