"""One window is read to its end whatever happens in between; a failure says when the next try comes (INT-2, INT-3)."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities import pulls as pulls_module
from activities.ports import Courier, PaymentProvider, Warehouse
from activities.pulls import PullActivities
from domain.errors import Broken, OmsError, RateLimited, Refused, TokenRejected, Unavailable
from domain.fulfillment import PromiseNotice, ShipmentNotice
from domain.observations import ChannelStatus, OrderHinted, OrderObserved
from domain.pulling import Page, PullRules, PullSource, Window
from domain.stock_push import Batch, ListingKey
from domain.timing import PullTiming
from tests.channels import NoCases
from tests.conftest import NOON

WAITS = (30.0, 60.0, 120.0, 300.0, 600.0)
SOURCE = PullSource("taobao", "tm", PullRules(86400), PullTiming(120, 300, 86400, WAITS))
WINDOW = Window(NOON, NOON + timedelta(minutes=8))


@dataclass
class FakeShop(NoCases):
    """Orders with their times; three a page, last page first; shows at most `most` of a window. Fails as told."""

    orders: dict[str, datetime]
    most: int = 1000
    failures: list[OmsError] = field(default_factory=list)
    asked: list[tuple[Window, str]] = field(default_factory=list)

    async def pull(self, window: Window, cursor: str) -> Page:
        self.asked.append((window, cursor))
        if self.failures:
            raise self.failures.pop(0)
        found = sorted(no for no, at in self.orders.items() if window.start <= at <= window.end)
        if len(found) > self.most:
            return Page((), b"", overfull=True)
        page = int(cursor) if cursor else max(0, (len(found) - 1) // 3)
        seen = tuple(hint(no, self.orders[no]) for no in found[3 * page : 3 * page + 3])
        return Page(seen, f"page {page}".encode(), str(page - 1) if page else "")

    async def write_back(self, notice: ShipmentNotice) -> None:
        raise AssertionError("nothing is told here")

    async def tell_promise(self, notice: PromiseNotice) -> None:
        raise AssertionError("nothing is told here")

    async def read_order(self, no: str) -> tuple[OrderObserved, bytes]:
        raise AssertionError("nothing is read here")

    async def push_stock(self, batch: Batch) -> dict[ListingKey, Refused]:
        raise AssertionError("no stock is told here")


@dataclass
class FakeVendors:
    shop: FakeShop

    async def channel(self, vendor: str, code: str) -> FakeShop:
        return self.shop

    async def warehouse(self, vendor: str, code: str) -> Warehouse:
        raise AssertionError("no warehouse is asked here")

    async def payment_provider(self, vendor: str, code: str) -> PaymentProvider:
        raise AssertionError("no payment provider is asked here")

    async def courier(self, vendor: str, code: str) -> Courier:
        raise AssertionError("no courier is asked here")


@dataclass
class FakePulls:
    """Remembers what was kept."""

    kept: list[str] = field(default_factory=list)

    async def window(self, source: PullSource, now: datetime) -> Window | None:
        return WINDOW

    async def keep(self, source: PullSource, window: Window, page: Page, now: datetime) -> int:
        fresh = [seen.no for seen in page.observations if isinstance(seen, OrderHinted) and seen.no not in self.kept]
        self.kept += fresh
        return len(fresh)

    async def finish(self, source: PullSource, window: Window, now: datetime) -> None:
        raise AssertionError("the workflow finishes a window")

    async def failed(self, source: PullSource, reason: str, now: datetime) -> None:
        raise AssertionError("the workflow counts failures")


def hint(no: str, at: datetime) -> OrderHinted:
    return OrderHinted("taobao", "tm", no, ChannelStatus.UNMAPPED, at, "WAIT_BUYER_PAY")


def a_shop(count: int = 8, **changed: Any) -> FakeShop:
    return FakeShop({f"T{n:02}": NOON + timedelta(minutes=n) for n in range(count)}, **changed)


async def pull(shop: FakeShop, kept: FakePulls, attempt: int = 1, details: tuple[Any, ...] = ()) -> int:
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, attempt=attempt, heartbeat_details=details)
    activities = PullActivities(kept, FakeVendors(shop), lambda: NOON)
    news: int = await environment.run(activities.pull_window, SOURCE, WINDOW)
    return news


async def test_every_page_is_read_and_kept_the_last_one_first() -> None:
    shop, kept = a_shop(), FakePulls()
    assert await pull(shop, kept) == 8
    assert kept.kept == ["T06", "T07", "T03", "T04", "T05", "T00", "T01", "T02"]
    assert [cursor for _, cursor in shop.asked] == ["", "1", "0"]


async def test_a_window_that_shows_too_much_is_read_in_halves_and_nothing_is_lost() -> None:
    shop, kept = a_shop(most=3), FakePulls()
    await pull(shop, kept)
    assert sorted(kept.kept) == sorted(shop.orders)
    assert len(kept.kept) == len(set(kept.kept))


async def test_more_in_one_second_than_the_vendor_shows_is_said() -> None:
    shop = FakeShop({f"T{n}": NOON for n in range(9)}, most=3)
    with pytest.raises(ApplicationError, match="more orders changed in one second"):
        await pull(shop, FakePulls())


@pytest.mark.parametrize(("attempt", "seconds"), list(enumerate(WAITS, 1)))
async def test_a_failed_try_waits_as_required_before_the_next(attempt: int, seconds: float) -> None:
    shop = a_shop(failures=[Unavailable("taobao answered HTTP 503", retry_after_seconds=7)])
    with pytest.raises(ApplicationError) as told:
        await pull(shop, FakePulls(), attempt)
    assert told.value.next_retry_delay == timedelta(seconds=seconds)
    assert not told.value.non_retryable


@pytest.mark.parametrize("error", [Refused("11", "no permission"), Broken("an answer nobody understands")])
async def test_what_no_try_will_mend_is_left_to_the_next_period_at_once(error: OmsError) -> None:
    with pytest.raises(ApplicationError) as told:
        await pull(a_shop(failures=[error]), FakePulls())
    assert told.value.non_retryable


async def test_a_vendor_that_asks_for_patience_is_waited_for_and_no_try_is_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waited: list[float] = []

    async def sleep(seconds: float, pages: object) -> None:
        waited.append(seconds)

    monkeypatch.setattr(pulls_module, "_sleep", sleep)
    shop, kept = a_shop(failures=[RateLimited("7", 3), RateLimited("7")]), FakePulls()
    assert await pull(shop, kept) == 8
    assert waited == [3, pulls_module.PATIENCE_SECONDS]


async def test_a_token_that_dies_in_the_middle_is_renewed_once_and_the_reading_goes_on() -> None:
    shop, kept = a_shop(failures=[TokenRejected("27")]), FakePulls()
    assert await pull(shop, kept) == 8
    with pytest.raises(ApplicationError):
        await pull(a_shop(failures=[TokenRejected("27"), TokenRejected("27")]), FakePulls())


async def test_the_next_try_goes_on_where_the_last_one_stood() -> None:
    beats: list[tuple[Any, ...]] = []
    shop, kept = a_shop(), FakePulls()
    environment = ActivityEnvironment()
    environment.on_heartbeat = lambda *details: beats.append(details)
    await environment.run(PullActivities(kept, FakeVendors(shop), lambda: NOON).pull_window, SOURCE, WINDOW)
    wire = ([{"start": WINDOW.start.isoformat(), "end": WINDOW.end.isoformat()}], beats[1][1], beats[1][2])
    again = a_shop()
    assert await pull(again, kept, 2, wire) == 2, "the news of the first try are counted, what is known is none"
    assert [cursor for _, cursor in again.asked] == ["1", "0"]
