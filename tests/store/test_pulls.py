"""Pages are stored once for what is new in them; the watermark moves with whole windows only (INT-2, INT-3, INT-11)."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.observations import ChannelStatus, OrderHinted
from domain.pulling import Page, PullRules, PullSource, Window
from domain.timing import PullTiming
from store.database import Database
from store.inbox import Inbox
from store.keyring import KeyRing
from store.pulls import SqlPulls
from store.serial import open_observation
from tests.conftest import NOON
from tests.store.builders import order, rows, value

SOURCE = PullSource("taobao", "tm", PullRules(3600), PullTiming(120, 300, 1800, (30, 60)))
WINDOW = Window(NOON - timedelta(minutes=30), NOON + timedelta(minutes=5))
RAW = b'{"trades": "as received"}'


def hint(no: str, minute: int = 0, raw_status: str = "WAIT_BUYER_PAY") -> OrderHinted:
    return OrderHinted(
        "taobao", "tm", no, ChannelStatus.UNMAPPED, NOON + timedelta(minutes=minute), raw_status=raw_status
    )


@pytest.fixture
def pulls(database: Database, ring: KeyRing) -> SqlPulls:
    return SqlPulls(database, ring)


async def test_a_page_is_kept_as_received_with_one_observation_per_order_that_has_news(
    database: Database, ring: KeyRing, pulls: SqlPulls
) -> None:
    assert await pulls.keep(SOURCE, WINDOW, Page((hint("2"), hint("1")), RAW), NOON) == 2
    (stored,) = await rows(database, "SELECT * FROM inbox")
    assert (stored.source, stored.shop, stored.way, stored.state) == ("taobao", "tm", "pull", "accepted")
    assert await Inbox(database, ring).raw(stored.id) == RAW
    subjects = [row.subject for row in await rows(database, "SELECT subject FROM observation ORDER BY part")]
    assert subjects == ["taobao:tm:1", "taobao:tm:2"]


async def test_what_a_pull_has_said_before_is_no_news_in_whatever_page_it_stands(
    database: Database, pulls: SqlPulls
) -> None:
    await pulls.keep(SOURCE, WINDOW, Page((hint("1"), hint("2")), RAW), NOON)
    assert await pulls.keep(SOURCE, WINDOW, Page((hint("1"), hint("2")), RAW + b" "), NOON) == 0
    assert await value(database, "SELECT count(*) FROM inbox") == 1
    assert (
        await pulls.keep(SOURCE, WINDOW, Page((hint("1"), hint("2", 1, "TRADE_CLOSED"), hint("3")), b"later"), NOON)
        == 2
    )
    assert await value(database, "SELECT count(*) FROM observation") == 4


async def test_whole_orders_are_news_when_anything_in_them_changed(database: Database, pulls: SqlPulls) -> None:
    seen = order()
    await pulls.keep(SOURCE, WINDOW, Page((seen,), b"1"), NOON)
    assert await pulls.keep(SOURCE, WINDOW, Page((seen,), b"2"), NOON) == 0
    assert await pulls.keep(SOURCE, WINDOW, Page((replace(seen, refunded_minor=1),), b"3"), NOON) == 1


async def test_two_pulls_of_the_same_page_at_once_store_it_once(database: Database, pulls: SqlPulls) -> None:
    page = Page(tuple(hint(str(n)) for n in range(20)), RAW)
    found = await asyncio.gather(*(pulls.keep(SOURCE, WINDOW, page, NOON) for _ in range(4)))
    assert sorted(found) == [0, 0, 0, 20]
    assert await value(database, "SELECT count(*) FROM observation") == 20


async def test_a_page_that_names_an_order_twice_keeps_each_of_its_states(
    database: Database, ring: KeyRing, pulls: SqlPulls
) -> None:
    """INT-2: the order changed while the list was written; a repetition says nothing, a change says all."""
    page = Page((hint("2"), hint("1"), hint("1", 1, "TRADE_CLOSED"), hint("1", 1, "TRADE_CLOSED")), RAW)
    assert await pulls.keep(SOURCE, WINDOW, page, NOON) == 3
    stored = await rows(database, "SELECT part, subject, body_sealed FROM observation ORDER BY id")
    said = [open_observation(ring, row.body_sealed, row.subject) for row in stored]
    assert said == [hint("1"), hint("1", 1, "TRADE_CLOSED"), hint("2")]
    assert [row.part for row in stored] == [0, 1, 2]
    assert await pulls.keep(SOURCE, WINDOW, Page((hint("1", 1, "TRADE_CLOSED"),), b"later"), NOON) == 0


async def test_the_watermark_moves_with_whole_windows_and_never_back(database: Database, pulls: SqlPulls) -> None:
    first = await pulls.window(SOURCE, NOON)
    assert first == Window(NOON - timedelta(minutes=30), NOON)
    await pulls.keep(SOURCE, WINDOW, Page((hint("1"),), RAW), NOON)
    assert await pulls.window(SOURCE, NOON) == first, "nothing is skipped before the window is stored whole"
    await pulls.finish(SOURCE, first, NOON)
    later = NOON + timedelta(minutes=2)
    assert await pulls.window(SOURCE, later) == Window(NOON - timedelta(minutes=5), later)
    await pulls.finish(SOURCE, Window(NOON - timedelta(hours=2), NOON - timedelta(hours=1)), later)
    assert await value(database, "SELECT watermark FROM pull") == NOON


async def test_the_third_failed_pull_in_a_row_is_told_and_a_success_clears_it(
    database: Database, pulls: SqlPulls
) -> None:
    for n in range(3):
        assert await value(database, "SELECT count(*) FROM alert") == 0, f"after {n} failures"
        await pulls.failed(SOURCE, "taobao answered HTTP 503", NOON)
    (alert,) = await rows(database, "SELECT * FROM alert")
    assert (alert.kind, alert.subject) == ("pull", "taobao/tm")
    assert alert.words == "3 pulls in a row failed: taobao answered HTTP 503"
    await pulls.finish(SOURCE, Window(NOON, NOON + timedelta(seconds=60)), NOON)
    assert await value(database, "SELECT count(*) FROM alert WHERE cleared_at IS NULL") == 0
    assert await value(database, "SELECT failures FROM pull") == 0


@pytest.mark.parametrize(("hours", "words"), [(-8, "behind our clock"), (8, "ahead of our clock")])
async def test_a_list_in_another_zone_is_told_and_its_orders_are_kept(
    database: Database, pulls: SqlPulls, hours: int, words: str
) -> None:
    """INT-12, incident I-5: what was asked for as the last half hour comes back as of eight hours away."""
    moved = hint("1", minute=60 * hours)
    assert await pulls.keep(SOURCE, WINDOW, Page((moved,), RAW), NOON) == 1
    (alert,) = await rows(database, "SELECT * FROM alert")
    assert (alert.kind, alert.subject) == ("drift", "clock:taobao/tm")
    assert words in alert.words
    assert "looks like a wrong zone" in alert.words


async def test_times_inside_the_window_and_a_little_outside_are_nothing_to_tell(
    database: Database, pulls: SqlPulls
) -> None:
    await pulls.keep(SOURCE, WINDOW, Page((hint("1"), hint("2", 14), hint("3", -39)), RAW), NOON)
    assert await rows(database, "SELECT * FROM alert") == []
