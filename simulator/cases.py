"""After-sales cases at the shops: what buyers apply for, how far it is, and its money, which moves once per case.

Owns the true state of every case. How a shop speaks of one is in taobao_cases.py, douyin_cases.py and own_cases.py.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

from simulator.clock import now
from simulator.seeds import jittered, rng
from simulator.settings import Profile
from simulator.shop import Refund, ShopOrder, refund_parts
from simulator.tally import Tasks

Kind = Literal["refund", "return", "exchange"]
State = Literal["asked", "awaits_goods", "sent", "refused", "paid", "closed", "done"]
OVER = frozenset({"refused", "paid", "closed", "done"})
RETURNS = frozenset({"return", "exchange"})
# Channels whose cases are about one child order each.
BY_LINE = frozenset({"taobao"})
# Channels at which a case is asked for by its order's number and its own.
WITH_ORDER = frozenset({"pdd"})
WAYBILL_DIGITS = 12


class NotNow(Exception):
    """An answer that the state of a case does not take; the text says the state."""


@dataclass
class SaleCase:
    """One case. `units` by line; `paid` counts how often its money moved, `agreed` how often that was asked for."""

    no: str
    order: ShopOrder
    kind: Kind
    units: dict[str, int]
    minor: int
    state: State
    opened_at: datetime
    updated_at: datetime
    shipped: bool
    company: str = ""
    waybill: str = ""
    refusal: str = ""
    agreed: int = 0
    paid: int = 0
    messages: int = 0

    @property
    def over(self) -> bool:
        return self.state in OVER

    def move(self, state: State) -> None:
        """Go on to a state; time goes forward, also within one tick."""
        self.updated_at = max(now(), self.updated_at + timedelta(milliseconds=1))
        self.state = state


def _number(order: ShopOrder, end: str) -> str:
    """Number a case as marketplaces do: 18 letters and digits, none of them a leading zero."""
    no = "8" + "".join(filter(str.isalnum, f"{order.plan.no}{end}"))[-17:]
    return f"{order.plan.no}-{no}" if order.plan.channel in WITH_ORDER else no


class Teller(Protocol):
    """A shop that may speak of its cases."""

    def case_name(self, case: SaleCase) -> str:
        """Say under which number a case is told; nothing for one that is none there, only money that went back."""

    def tell_case(self, case: SaleCase) -> None:
        """Speak of the last change of a case."""


class Cases:
    """All cases by number, and what buyers and the platform do about them."""

    def __init__(self, profile: Profile, seed: int, tasks: Tasks) -> None:
        self._profile = profile
        self._seed = seed
        self._tasks = tasks
        self.shops: dict[tuple[str, str], Teller] = {}
        self.staff: dict[tuple[str, str], Callable[[SaleCase], None]] = {}
        self.has_left: Callable[[ShopOrder], bool] = lambda _order: False
        self.all: dict[str, SaleCase] = {}

    def of_shop(self, name: tuple[str, str]) -> Iterator[SaleCase]:
        """List the cases of one shop."""
        return (case for case in self.all.values() if (case.order.plan.channel, case.order.plan.shop) == name)

    def find(self, name: tuple[str, str], no: str) -> SaleCase | None:
        case = self.all.get(no)
        mine = case is not None and (case.order.plan.channel, case.order.plan.shop) == name
        return case if mine else None

    def of_order(self, order: ShopOrder) -> list[SaleCase]:
        return [case for case in self.all.values() if case.order is order]

    def apply(self, order: ShopOrder, kind: Kind, minor: int) -> None:
        """Let a buyer apply for an amount, 0 for all that is left; where cases are about lines, for each its part."""
        left = order.paid_minor - order.refunded_minor
        wanted = min(minor or left, left)
        parts = refund_parts(order, wanted)
        if order.status != "paid" or not parts:
            return
        if order.plan.channel in BY_LINE:
            for line, part in parts:
                self._open(_number(order, line.no), order, kind, {line.no: line.quantity}, part)
        else:
            units = {line.no: line.quantity for line in order.plan.basket.lines}
            no = f"AS{order.plan.no}" if order.plan.channel == "own" else _number(order, "0")
            self._open(no, order, kind, units, wanted)

    def _open(self, no: str, order: ShopOrder, kind: Kind, units: dict[str, int], minor: int) -> None:
        if no in self.all:
            return
        at = now()
        case = SaleCase(no, order, kind, units, minor, "asked", at, at, self.has_left(order))
        self.all[no] = case
        self._tell(case)

    def agree_return(self, case: SaleCase) -> None:
        """Hear that the goods may come back; the buyer sends them after a while."""
        if case.kind not in RETURNS or case.state != "asked":
            raise NotNow(case.state)
        case.move("awaits_goods")
        self._tell(case)
        self._tasks.spawn(self._send_back(case))

    async def _send_back(self, case: SaleCase) -> None:
        source = rng(self._seed, "case waybill", case.no)
        await asyncio.sleep(jittered(source, self._profile.case_return_after, self._profile.jitter))
        if case.state == "awaits_goods":
            case.company, case.waybill = "SF", f"SFR{source.randrange(10**WAYBILL_DIGITS):0{WAYBILL_DIGITS}d}"
            case.move("sent")
            self._tell(case)

    def agree_refund(self, case: SaleCase) -> None:
        """Hear that the money may go back: it goes at once, and only once."""
        case.agreed += 1
        if case.kind == "exchange" or case.state not in ("asked", "awaits_goods", "sent"):
            raise NotNow(case.state)
        case.move("paid")
        case.paid += 1
        self._give_back(case)
        self._tell(case)

    def _give_back(self, case: SaleCase) -> None:
        order = case.order
        order.refunded_minor += case.minor
        whole = order.refunded_minor >= order.paid_minor
        moment = order.touch(main=whole)
        lines = [line for line in order.plan.basket.lines if line.no in case.units]
        only = len(lines) == 1
        parts = [(lines[0], case.minor)] if only else refund_parts(order, case.minor)
        order.refunds += [Refund(case.no, line.no, part, moment, case.shipped) for line, part in parts]
        if whole:
            order.status = "refunded"

    def refuse(self, case: SaleCase, words: str) -> None:
        """Hear that the shop does not want to."""
        if case.over:
            raise NotNow(case.state)
        case.refusal = words
        case.move("refused")
        self._tell(case)

    def ship(self, case: SaleCase) -> None:
        """Hear that the goods of an exchange left."""
        if case.kind != "exchange" or case.over:
            raise NotNow(case.state)
        case.move("done")
        self._tell(case)

    def _tell(self, case: SaleCase) -> None:
        plan = case.order.plan
        case.messages += 1
        if (seen := self.staff.get((plan.channel, plan.shop))) is not None:
            seen(case)
        source = rng(self._seed, "case push", case.no, case.messages)
        if source.random() < self._profile.case_push_lost_share:
            return
        self.shops[plan.channel, plan.shop].tell_case(case)

    def over(self) -> bool:
        """Tell whether every case has ended."""
        return all(case.over for case in self.all.values())

    def written(self) -> dict[str, dict[str, object]]:
        """Write every case down that its shop tells as one, for the books."""
        return {
            told_as: {
                "channel": case.order.plan.channel,
                "shop": case.order.plan.shop,
                "order_no": case.order.plan.no,
                "kind": case.kind,
                "state": case.state,
                "amount_minor": case.minor,
                "paid": case.paid,
                "agreed": case.agreed,
            }
            for case in self.all.values()
            if (told_as := self._told_as(case))
        }

    def _told_as(self, case: SaleCase) -> str:
        return self.shops[case.order.plan.channel, case.order.plan.shop].case_name(case)
