"""What platforms may answer instead of a list or an order: never taken for an empty one (issue 9, bad input).

A list that is wrongly taken for empty loses its window for good, so every platform is asked for a list, for the roll
and for one order, and answers with an error in HTTP 200, half of an answer, another encoding, a page for people.
"""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import httpx
import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.ports import Courier, PaymentProvider, Warehouse
from activities.pulls import PullActivities
from connectors import registry
from connectors.http import MAX_ANSWER_BYTES
from connectors.outbound import SalesChannel
from domain.errors import OmsError
from domain.observations import OrderHinted, OrderObserved
from domain.pulling import Page, PullRules, PullSource, Window
from domain.timing import PullTiming
from tests.connectors.listers import LISTERS, Lister, again
from tests.connectors.worlds import NOW, Stranger, clock

WINDOW = Window(NOW - timedelta(minutes=20), NOW)
SOURCE = PullSource("any", "shop", PullRules(86_400), PullTiming(120, 300, 86_400, (30.0,)))
ODD: dict[str, bytes] = {
    "nothing": b"",
    "null": b"null",
    "an empty object": b"{}",
    "an empty list": b"[]",
    "a page for people": "<html><body>系统繁忙 李小明 13812345678</body></html>".encode(),
    "an error in words of nobody": b'{"code": 500, "message": "Internal error", "success": false}',
    "an error in an error": b'{"error": {"code": "internal"}}',
    "too deep": b"[" * 100_000,
    "more than anybody reads": b'{"x": "' + b"x" * MAX_ANSWER_BYTES + b'"}',
    "NaN": b'{"code": NaN}',
}


def odd_answers(lister: Lister) -> dict[str, httpx.Response]:
    """Give everything that is no answer, among it three of this platform's own."""
    first = lister.answers[0].content
    own = {
        "half an answer": first[: len(first) // 2],
        "another encoding": first[:-1] + ',"note":"系统繁忙"}'.encode("gbk"),
        "its own error in HTTP 200": lister.failure.content,
    }
    return {what: httpx.Response(200, content=content) for what, content in {**ODD, **own}.items()}


def questions(lister: Lister) -> Iterator[tuple[str, Callable[[Stranger], Awaitable[object]]]]:
    """Ask for a list, for one order, and for the roll where there is one."""
    yield "list", lambda stranger: lister.channel(stranger).pull(WINDOW, "")
    yield "order", lambda stranger: lister.channel(stranger).read_order(lister.numbers[0])
    if registry.roll_rules(lister.shop) is not None:
        yield "roll", lambda stranger: lister.roll(stranger).roll(WINDOW, "")


@pytest.mark.parametrize("lister", LISTERS, ids=str)
async def test_what_is_no_answer_is_never_taken_for_an_empty_one(lister: Lister) -> None:
    for what, answer in odd_answers(lister).items():
        for name, ask in questions(lister):
            with pytest.raises(OmsError) as caught:
                pytest.fail(f"{what} was taken for the {name}: {await ask(Stranger(answer))}")
            assert not [one for one in ("李小明", "13812345678") if one in str(caught.value)], (what, name)


@dataclass
class Renewing:
    """Gives a channel with the next token each time, as the keeper of tokens does."""

    lister: Lister
    stranger: Stranger
    given: int = 0

    async def channel(self, vendor: str, code: str) -> SalesChannel:
        self.given += 1
        row = self.lister.shop
        fresh = replace(row, token=replace(row.token, access=f"token-{self.given}")) if row.token else row
        return registry.sales_channel(fresh, self.stranger.client(), clock)

    async def warehouse(self, vendor: str, code: str) -> Warehouse:
        raise AssertionError("no warehouse is asked here")

    async def payment_provider(self, vendor: str, code: str) -> PaymentProvider:
        raise AssertionError("no payment provider is asked here")

    async def courier(self, vendor: str, code: str) -> Courier:
        raise AssertionError("no courier is asked here")


@dataclass
class Kept:
    """Remembers which orders came, and how many pages."""

    numbers: list[str] = field(default_factory=list)
    pages: int = 0

    async def window(self, source: PullSource, now: datetime) -> Window | None:
        return WINDOW

    async def keep(self, source: PullSource, window: Window, page: Page, now: datetime) -> int:
        self.pages += 1
        found = [one.no for one in page.observations if isinstance(one, OrderObserved | OrderHinted)]
        fresh = [no for no in found if no not in self.numbers]
        self.numbers += fresh
        return len(fresh)

    async def finish(self, source: PullSource, window: Window, now: datetime) -> None:
        raise AssertionError("the workflow finishes a window")

    async def failed(self, source: PullSource, reason: str, now: datetime) -> None:
        raise AssertionError("the workflow counts failures")


async def pulled(lister: Lister, *answers: httpx.Response) -> Kept:
    """Read one window to its end, as the worker does."""
    kept = Kept()
    activities = PullActivities(kept, Renewing(lister, Stranger(*answers)), lambda: NOW)
    await ActivityEnvironment().run(activities.pull_window, SOURCE, WINDOW)
    return kept


@pytest.mark.parametrize("lister", LISTERS, ids=str)
async def test_a_window_of_two_pages_is_read_whole(lister: Lister) -> None:
    assert sorted((await pulled(lister, *lister.answers)).numbers) == sorted(lister.numbers)


@pytest.mark.parametrize("lister", [one for one in LISTERS if one.shop.token], ids=str)
async def test_a_token_that_dies_between_two_pages_loses_nothing_and_doubles_nothing(lister: Lister) -> None:
    first, rest = lister.answers[: lister.per_page], lister.answers[lister.per_page :]
    kept = await pulled(lister, *first, lister.dead, *rest)
    assert sorted(kept.numbers) == sorted(lister.numbers)
    assert len(kept.numbers) == len(set(kept.numbers))


@pytest.mark.parametrize("lister", LISTERS, ids=str)
async def test_a_page_that_repeats_for_ever_is_read_once_or_told(lister: Lister) -> None:
    """It ends after a few questions: with the orders that were shown, each once, or with the reason."""
    answers = [again(lister.answers[n % lister.per_page]) for n in range(20 * lister.per_page)]
    kept, told = Kept(), ""
    activities = PullActivities(kept, Renewing(lister, Stranger(*answers)), lambda: NOW)
    try:
        await ActivityEnvironment().run(activities.pull_window, SOURCE, WINDOW)
    except ApplicationError as error:
        told = error.message
    assert told == "" or "again" in told or "next page" in told
    assert set(kept.numbers) <= {lister.numbers[0]}
    assert kept.numbers or told, "an order that was shown is kept, or the window is not done"
    assert kept.pages < 10
