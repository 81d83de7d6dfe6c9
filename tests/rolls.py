"""Fakes of the completeness ledger's ports: a platform that names orders in pages, and books that remember."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from domain.completeness import Mark, RollSource, Span
from domain.errors import OmsError
from domain.pulling import Roll, Rolled, Window


@dataclass
class FakePlatform:
    """Orders with their times, three a page; shows at most `most` of a window; fails as told, first."""

    orders: dict[str, datetime] = field(default_factory=dict)
    most: int = 1000
    failures: list[OmsError] = field(default_factory=list)
    asked: list[tuple[Window, str]] = field(default_factory=list)

    async def roll(self, window: Window, cursor: str) -> Roll:
        self.asked.append((window, cursor))
        if self.failures:
            raise self.failures.pop(0)
        found = sorted(no for no, at in self.orders.items() if window.start <= at <= window.end)
        if len(found) > self.most:
            return Roll((), len(found), b"", overfull=True)
        page = int(cursor or 0)
        rows = tuple(Rolled(no, "paid", self.orders[no]) for no in found[3 * page : 3 * page + 3])
        more = 3 * page + 3 < len(found)
        return Roll(rows, len(found), f"page {page}".encode(), str(page + 1) if more else "")

    async def order_roll(self, vendor: str, code: str) -> "FakePlatform":
        return self


@dataclass
class FakeLedger:
    """Says what is due and what each comparison comes to; remembers what it was told."""

    spans: list[Span] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    settled: list[tuple[Span, list[str], int | None]] = field(default_factory=list)
    unheard: list[str] = field(default_factory=list)
    kept: list[bytes] = field(default_factory=list)

    async def due(self, source: RollSource, now: datetime) -> list[Span]:
        return self.spans

    async def settle(
        self, source: RollSource, span: Span, rolled: Sequence[Rolled], total: int | None, now: datetime
    ) -> Mark:
        self.settled.append((span, sorted(one.no for one in rolled), total))
        return self.marks.pop(0) if self.marks else Mark.GREEN

    async def unasked(self, source: RollSource, span: Span, reason: str, now: datetime) -> None:
        self.unheard.append(reason)

    async def keep(self, source: RollSource, raw: bytes, now: datetime) -> None:
        self.kept.append(raw)
