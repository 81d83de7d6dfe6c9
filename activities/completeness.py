"""Comparing one window of a shop with its platform: reading the platform's list whole, and having it settled.

A platform that cannot be asked is noted, never a failure of the step: the next look asks again.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import timedelta

from temporalio import activity

from activities.failures import fact_failures
from activities.ports import Clock
from activities.ports_completeness import Ledger, Rolls
from domain.completeness import Mark, RollSource, Span
from domain.errors import BadInput, Broken, RateLimited, Refused, TokenRejected, Unavailable
from domain.pulling import Roll, Rolled, Window

MAX_PAGES = 5_000
PATIENCE_SECONDS, LONGEST_PATIENCE_SECONDS = 5.0, 300.0
BEAT_SECONDS = 5.0


class LedgerActivities:
    """Keeps the ledger of every shop that says which orders it has."""

    def __init__(self, ledger: Ledger, rolls: Rolls, clock: Clock) -> None:
        self._ledger = ledger
        self._rolls = rolls
        self._clock = clock

    @activity.defn
    async def due_checks(self, source: RollSource) -> list[Span]:
        """Say which windows have to be compared now. The clock is real: vendors know no other."""
        with fact_failures():
            return await self._ledger.due(source, self._clock())

    @activity.defn
    async def check_span(self, source: RollSource, span: Span) -> Mark:
        """Compare one window; what is missing is asked for by its number, and the next look says whether it came."""
        with fact_failures():
            try:
                named = await self._read(source, span.window())
            except (Unavailable, Refused, Broken, BadInput) as error:
                await self._ledger.unasked(source, span, str(error), self._clock())
                return Mark.UNASKED
            mark = await self._ledger.settle(source, span, named.rolled, named.total, self._clock())
            if mark in {Mark.HEALING, Mark.RED}:
                for raw in named.raws:
                    await self._ledger.keep(source, raw, self._clock())
            return mark

    async def _read(self, source: RollSource, window: Window) -> "Named":
        """Read the list of a window to its end, in parts where it is longer than the vendor allows."""
        named = Named(source.rules.longest_seconds, window)
        for _ in range(MAX_PAGES):
            if not named.windows:
                return named
            named.take(await self._ask(source, named))
        raise Broken(f"{source.vendor}/{source.shop} has more than {MAX_PAGES} pages in one window")

    async def _ask(self, source: RollSource, named: "Named") -> Roll:
        waited, renewed = 0.0, False
        while True:
            activity.heartbeat()
            try:
                channel = await self._rolls.order_roll(source.vendor, source.shop)
                return await channel.roll(named.windows[0], named.cursor)
            except TokenRejected:
                if renewed:
                    raise
                renewed = True
            except RateLimited as error:
                seconds = error.retry_after_seconds or PATIENCE_SECONDS
                waited += seconds
                if waited > LONGEST_PATIENCE_SECONDS:
                    raise
                await _wait(seconds, activity.heartbeat)


class Named:
    """What a platform has named of a window up to now, each number once, and what is still to be read."""

    def __init__(self, longest_seconds: float, window: Window) -> None:
        longest = timedelta(seconds=longest_seconds)
        self.windows = deque([window])
        while self.windows[-1].end - self.windows[-1].start > longest:
            last = self.windows.pop()
            self.windows += [Window(last.start, last.start + longest), Window(last.start + longest, last.end)]
        self.cursor = ""
        self.raws: list[bytes] = []
        self._orders: dict[str, Rolled] = {}
        self._totals: list[int | None] = []

    @property
    def rolled(self) -> tuple[Rolled, ...]:
        """Every order that was named."""
        return tuple(self._orders.values())

    @property
    def total(self) -> int | None:
        """What the platform counts, when it was asked for one window only: parts of it share their seams."""
        return self._totals[0] if len(self._totals) == 1 else None

    def take(self, page: Roll) -> None:
        """Move on after a page; Broken when the vendor would give it again, for ever."""
        if page.overfull:
            whole = self.windows.popleft()
            if whole.end - whole.start <= timedelta(seconds=1):
                raise Broken("more orders were placed in one second than the vendor shows")
            self.windows.extendleft(reversed(whole.halves()))
            self.cursor = ""
            return
        if page.next_cursor and page.next_cursor == self.cursor:
            raise Broken("the vendor shows the same page again: its cursor did not move on")
        self.raws.append(page.raw)
        self._orders |= {one.no: one for one in page.rolled}
        self.cursor = page.next_cursor
        if not self.cursor:
            self._totals.append(page.total)
            self.windows.popleft()


async def _wait(seconds: float, beat: Callable[[], None]) -> None:
    """Wait with a sign of life."""
    while seconds > 0:
        beat()
        await asyncio.sleep(min(seconds, BEAT_SECONDS))
        seconds -= BEAT_SECONDS
