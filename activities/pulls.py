"""Pulling one window of a shop's orders or cases, page by page (INT-2). Owns the reading.

The store keeps pages and watermark.
A pull that fails goes on where it stood: what is read already travels in the heartbeat. Its waits are INT-3's.
"""

import asyncio
from collections import deque
from datetime import timedelta

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.failures import fact_failures
from activities.ports import Clock, Pulls, Vendors
from activities.tracing import apart
from domain.errors import BadInput, Broken, RateLimited, Refused, TokenRejected, Unavailable
from domain.pulling import ORDERS, Page, PullSource, Window

MAX_PAGES = 5_000
"""More pages than this in one window are a vendor that never ends."""
PATIENCE_SECONDS = 5.0
"""How long a vendor that asks for patience is left alone when it does not say for how long."""
LONGEST_PATIENCE_SECONDS = 600.0


class PullActivities:
    """Reads windows of every shop that has a list of changes."""

    def __init__(self, pulls: Pulls, vendors: Vendors, clock: Clock) -> None:
        self._pulls = pulls
        self._vendors = vendors
        self._clock = clock

    @activity.defn
    async def next_window(self, source: PullSource, last: Window | None = None) -> Window | None:
        """Say what has to be pulled next; None when everything is. The clock is real: vendors know no other.

        After a window of this pull that reached the present nothing is: what changed meanwhile is the next period's, or
        a pull that takes longer than the second of a watermark would never end.
        """
        if last is not None and source.rules.reaches_now(last):
            return None
        with fact_failures():
            return await self._pulls.window(source, self._clock())

    @activity.defn
    async def pull_window(self, source: PullSource, window: Window) -> int:
        """Read every page of a window and store what is new; return how many orders had news.

        Raises for a failure with the wait that comes before the next try; a vendor that asks for patience is waited
        for here, and no try is used up (INT-16).
        """
        pages = Reading.resumed(window)
        try:
            for _ in range(MAX_PAGES):
                if not pages.windows:
                    return pages.news
                page = await self._ask(source, pages)
                with apart():
                    news = await self._pulls.keep(source, pages.windows[0], page, self._clock())
                pages.take(page, news)
            raise Broken(f"{source.vendor}/{source.shop} has more than {MAX_PAGES} pages in one window")
        except Unavailable as error:
            raise _again(source, error) from None
        except (Refused, Broken, BadInput) as error:
            raise ApplicationError(str(error), type=type(error).__name__, non_retryable=True) from None

    @activity.defn
    async def finish_pull(self, source: PullSource, window: Window) -> None:
        """Move the watermark: this window is stored whole."""
        with fact_failures():
            await self._pulls.finish(source, window, self._clock())

    @activity.defn
    async def pull_failed(self, source: PullSource, reason: str) -> None:
        """Count a pull that was given up; the next period tries again (INT-3)."""
        with fact_failures():
            await self._pulls.failed(source, reason, self._clock())

    async def _ask(self, source: PullSource, pages: "Reading") -> Page:
        """Ask for the next page; wait as long as the vendor asks for patience, renew a dead token once."""
        waited, renewed = 0.0, False
        while True:
            activity.heartbeat(*pages.state())
            try:
                channel = await self._vendors.channel(source.vendor, source.shop)
                ask = channel.pull if source.kind == ORDERS else channel.pull_cases
                return await ask(pages.windows[0], pages.cursor)
            except TokenRejected:
                if renewed:
                    raise
                renewed = True
            except RateLimited as error:
                seconds = error.retry_after_seconds or PATIENCE_SECONDS
                waited += seconds
                if waited > LONGEST_PATIENCE_SECONDS:
                    raise
                await _sleep(seconds, pages)


class Reading:
    """How far a window is read: the parts of it still to read, the page in the first of them, the news so far."""

    def __init__(self, windows: list[Window], cursor: str = "", news: int = 0) -> None:
        self.windows = deque(windows)
        self.cursor = cursor
        self.news = news

    @classmethod
    def resumed(cls, window: Window) -> "Reading":
        """Go on where the last try stood."""
        details = activity.info().heartbeat_details
        if not details:
            return cls([window])
        starts, cursor, news = details
        converter = activity.payload_converter()
        windows = [converter.from_payload(converter.to_payload(one), Window) for one in starts]
        return cls(windows, cursor, news)

    def state(self) -> tuple[list[Window], str, int]:
        """Give what the next try has to know."""
        return list(self.windows), self.cursor, self.news

    def take(self, page: Page, news: int) -> None:
        """Move on after a page; Broken when the vendor would give it again, for ever."""
        if page.next_cursor and page.next_cursor == self.cursor:
            raise Broken("the vendor shows the same page again: its cursor did not move on")
        self.news += news
        self.cursor = page.next_cursor
        if page.overfull:
            whole = self.windows.popleft()
            if whole.end - whole.start <= timedelta(seconds=1):
                raise Broken("more orders changed in one second than the vendor shows")
            self.windows.extendleft(reversed(whole.halves()))
            self.cursor = ""
        elif not self.cursor:
            self.windows.popleft()


async def _sleep(seconds: float, pages: Reading) -> None:
    """Wait with a sign of life, so that nobody takes the wait for a death."""
    while seconds > 0:
        activity.heartbeat(*pages.state())
        await asyncio.sleep(min(seconds, PATIENCE_SECONDS))
        seconds -= PATIENCE_SECONDS


def _again(source: PullSource, error: Unavailable) -> ApplicationError:
    """Say when the next try comes: INT-3's waits, in their order."""
    waits = source.timing.retries_seconds
    wait = waits[min(activity.info().attempt, len(waits)) - 1]
    return ApplicationError(str(error), type=type(error).__name__, next_retry_delay=timedelta(seconds=wait))
