"""The service desk of the demo: buyers of the own shop ask for after-sales of every kind, agents decide (AFT-1 to 9).

Cases are opened and decided the same ways as by the console and `oms case ...`. What comes back, and how, is the
simulated buyers' affair.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.table import Table
from temporalio.client import Client

from clients.clock import utc_now
from clients.run_file import RunFile
from clients.settings import adopt
from clients.temporal import connect
from clients.temporal_cases import decide_case
from domain.after_sales import CaseDecision, CaseKind, CaseLine, CaseState, Choice, NewCase, Origin
from domain.errors import Refused, Unavailable
from store import cases
from store.database import Database
from store.keyring import KeyRing, load_keyring
from store.reads.case_proof import CaseProofReads, CaseStanding

ACTOR = "demo"
CHANNEL, SHOP = "own", "demo"
EACH, LEAST = 45, 30
"""For so many orders of the day one round of all wishes; the least that have one."""
EACH_UNSHIPPED = 100
"""For so many orders one that is paid back before it ships."""
AMOUNT_MINOR = 500
"""What is asked for where no goods are paid back."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks for, why, and whether an agent types it in."""

    kind: CaseKind
    reason: str
    origin: Origin = Origin.BUYER
    amount_minor: int | None = None


DELIVERED = (
    Wish(CaseKind.RETURN, "no_reason"),
    Wish(CaseKind.EXCHANGE, "defect"),
    Wish(CaseKind.REFUND, "lost"),
    Wish(CaseKind.RESHIP, "missing", Origin.AGENT),
    Wish(CaseKind.PRICE, "cheaper", Origin.AGENT, AMOUNT_MINOR),
    Wish(CaseKind.COMPENSATION, "late", Origin.AGENT, AMOUNT_MINOR),
    Wish(CaseKind.RETURN, "size"),
)
SENT_AGAIN = frozenset({CaseKind.EXCHANGE.value, CaseKind.RESHIP.value})
MOST_APPROVALS = 3
"""What left while it was to be stopped comes back to a person with its refund."""
UNSHIPPED = Wish(CaseKind.REFUND, "changed_mind")
WORDS = {
    CaseKind.REFUND: "refund only",
    CaseKind.RETURN: "return and refund",
    CaseKind.EXCHANGE: "exchange",
    CaseKind.RESHIP: "sent again",
    CaseKind.PRICE: "price protection",
    CaseKind.COMPENSATION: "compensation",
}


@dataclass
class ServiceDesk:
    """Opens the wishes of the day as orders arrive, decides what waits for a person."""

    run: RunFile
    orders: int
    opened: int = 0
    unshipped: int = 0
    facts: list[CaseStanding] = field(default_factory=list)
    decided: Counter[tuple[str, Choice]] = field(default_factory=Counter)

    @property
    def rounds(self) -> int:
        """Say how many rounds of all wishes there are."""
        return max(self.orders // EACH, int(self.orders >= LEAST))

    async def look(self, database: Database) -> None:
        """Take one step: a new wish where an order is ripe for it, and every decision that is due."""
        reads, ring = CaseProofReads(database), load_keyring(Path(self.run.environment["OMS_KEYRING"]))
        if self.unshipped < self.orders // EACH_UNSHIPPED:
            await self._unshipped(reads, database, ring)
        if self.opened < self.rounds * len(DELIVERED):
            await self._delivered(reads, database, ring)
        self.facts = await reads.all()
        await self._decide()

    def done(self) -> bool:
        """Say whether every case has ended."""
        return all(one.state == CaseState.CLOSED.value for one in self.facts)

    async def _delivered(self, reads: CaseProofReads, database: Database, ring: KeyRing) -> None:
        left = self.rounds * len(DELIVERED) - self.opened
        for found in await reads.delivered(CHANNEL, SHOP, left):
            wish = DELIVERED[self.opened % len(DELIVERED)]
            await self._open(database, ring, wish, [CaseLine(found.line_no, found.sku, 1)], found.order_key)
            self.opened += 1

    async def _unshipped(self, reads: CaseProofReads, database: Database, ring: KeyRing) -> None:
        """Ask for all the money of an order that has not left, once in a while."""
        found = await reads.unshipped(CHANNEL, SHOP, 10)
        lines = [CaseLine(one.line_no, one.sku, one.quantity) for one in found if one.order_key == found[0].order_key]
        if lines:
            await self._open(database, ring, UNSHIPPED, lines, found[0].order_key)
            self.unshipped += 1

    async def _open(
        self, database: Database, ring: KeyRing, wish: Wish, lines: Sequence[CaseLine], order_key: str
    ) -> None:
        new = NewCase(
            order_key=order_key,
            kind=wish.kind,
            origin=wish.origin,
            request_key=f"{ACTOR}:{order_key}",
            lines=tuple(lines),
            reason=wish.reason,
            asked_by=ACTOR if wish.origin is Origin.AGENT else "buyer",
            wanted_minor=wish.amount_minor,
        )
        async with database.transaction() as tx:
            await cases.open_case(tx, ring, new, utc_now())

    async def _decide(self) -> None:
        due = [(one, choice) for one in self.facts if (choice := self._choice(one)) is not None]
        if due:
            adopt(self.run.environment)
            client = await connect()
            await asyncio.gather(*(self._say(client, one, choice) for one, choice in due))

    async def _say(self, client: Client, one: CaseStanding, decision: CaseDecision) -> None:
        try:
            nonce = f"{ACTOR}-{decision.choice.value}-{self.decided[one.no, decision.choice]}"
            await decide_case(client, one.no, decision, nonce)
        except (Refused, Unavailable):
            return  # it moved on, or the engine is away: the next look shows what is left to decide
        self.decided[one.no, decision.choice] += 1

    def _choice(self, one: CaseStanding) -> CaseDecision | None:
        """Approve what waits for a person; goods that come back to a person could not be sent, and are refused."""
        if one.state != CaseState.REVIEW.value:
            return _money(one)
        if self.decided[one.no, Choice.APPROVE] >= (1 if one.kind in SENT_AGAIN else MOST_APPROVALS):
            return CaseDecision(Choice.REFUSE, ACTOR, "the goods have run out")
        return CaseDecision(Choice.APPROVE, ACTOR, "demo")


def _money(one: CaseStanding) -> CaseDecision | None:
    """Pay by hand what nobody else can pay, ask again for what failed."""
    if one.state == CaseState.PAYING.value and one.way == "hand":
        return CaseDecision(Choice.PAID_BY_HAND, ACTOR, reference=f"bank {one.no}")
    if one.state == CaseState.PAYING.value and one.payout == "failed":
        return CaseDecision(Choice.RETRY_PAYOUT, ACTOR)
    return None


def case_table(facts: Sequence[CaseStanding]) -> Table:
    """Show the cases by kind: how many, how they ended, what went back, and how long one took on average (AFT-9)."""
    table = Table(title="After-sales cases: by kind, how they ended, mean time", box=None, pad_edge=False)
    for name in ("kind", "opened", "closed", "paid", "sent", "refused", "other", "paid back", "mean s"):
        table.add_column(name, justify="left" if name == "kind" else "right", no_wrap=True)
    for kind, words in WORDS.items():
        these = [one for one in facts if one.kind == kind.value]
        if these:
            table.add_row(words, *_figures(these))
    if facts:
        table.add_row("all", *_figures(facts))
    return table


def _figures(these: Sequence[CaseStanding]) -> list[str]:
    ended = [one for one in these if one.closed_at is not None]
    by = {name: sum(one.outcome == name for one in ended) for name in ("paid", "shipped", "refused")}
    mean = sum(one.seconds for one in ended) / len(ended) if ended else 0.0
    back = sum(one.paid_minor for one in these if one.payout == "paid")
    counts = (len(these), len(ended), *by.values(), len(ended) - sum(by.values()))
    return [*(str(n) for n in counts), f"{back / 100:,.2f}", f"{mean:.1f}"]
