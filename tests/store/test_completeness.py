"""The ledger finds what is missing, has it asked for, sees it come, and tells when it does not (INT-9, INT-10)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from domain.completeness import DAY, HOUR, Mark, RollSource, Span
from domain.observations import ChannelStatus
from domain.pulling import Rolled, RollRules
from domain.shops import Role, Shop
from domain.timing import RollTiming
from store.completeness import SqlLedger
from store.database import Database
from store.inbox import Arrival, Inbox
from store.keyring import KeyRing
from store.shops import Shops
from tests.conftest import NOON
from tests.store.builders import apply, order, rows, value

SOURCE = RollSource("own", "demo", RollRules(86400), RollTiming(), pushes=True)
SPAN = Span(HOUR, NOON, NOON + timedelta(hours=1))
LATER = SPAN.end + timedelta(minutes=10)
MINUTES = timedelta(minutes=1)


def rolled(*nos: str, status: str = "paid") -> list[Rolled]:
    return [Rolled(no, status, NOON) for no in nos]


@pytest.fixture
async def ledger(database: Database, ring: KeyRing) -> SqlLedger:
    shop = Shop("own", "demo", Role.SALES, "Asia/Shanghai", "CNY", "http://x", "k", ("s",), answers=True)
    await Shops(database, ring).add(shop, None, NOON)
    return SqlLedger(database, ring)


async def arrive(database: Database, ring: KeyRing, no: str, way: str = "push", **changed: Any) -> None:
    """Let an order come in by a way and be booked."""
    seen = order(no, **changed)
    key = f"{'pull:' if way == 'pull' else ''}{no}-{way}"
    await Inbox(database, ring).accept(Arrival("own", "demo", way, {}, no.encode(), NOON), key, None, (seen,))
    await apply(database, ring, seen, await value(database, "SELECT max(id) FROM inbox"))


async def check(ledger: SqlLedger, named: list[Rolled], at: int = 0, span: Span = SPAN) -> Mark:
    return await ledger.settle(SOURCE, span, named, len(named), LATER + at * MINUTES)


async def test_a_missing_order_is_asked_for_by_its_number_and_heals_when_it_has_come(
    database: Database, ring: KeyRing, ledger: SqlLedger
) -> None:
    await arrive(database, ring, "A")
    assert await check(ledger, rolled("A", "B")) is Mark.HEALING
    (asked,) = await rows(database, "SELECT channel, shop, no, about, state FROM reread")
    assert tuple(asked) == ("own", "demo", "B", "order", "new")
    await arrive(database, ring, "B", "replay")
    assert await check(ledger, rolled("A", "B"), 5) is Mark.AMBER  # here, and no push brought it
    (row,) = await rows(database, "SELECT * FROM roll_check")
    assert (row.named, row.total, row.pushed, row.booked, row.missing, row.checks) == (2, 2, 1, 2, 0, 2)
    assert (row.gap_at, row.healed_at) == (LATER, LATER + 5 * MINUTES)
    actions = [
        one.action for one in await rows(database, "SELECT action FROM audit WHERE actor = 'ledger' ORDER BY id")
    ]
    assert actions == ["gap.opened", "gap.healed"]
    assert await value(database, "SELECT count(*) FROM alert WHERE kind = 'gap'") == 0


async def test_a_gap_that_does_not_heal_in_time_is_told_and_cleared_when_it_does(
    database: Database, ring: KeyRing, ledger: SqlLedger
) -> None:
    assert await check(ledger, rolled("B")) is Mark.HEALING
    assert await check(ledger, rolled("B"), 14) is Mark.HEALING
    assert await check(ledger, rolled("B"), 15) is Mark.RED
    (alert,) = await rows(database, "SELECT * FROM alert WHERE kind = 'gap'")
    assert (alert.subject, alert.level) == ("own/demo", "1-critical")
    assert "1 orders are missing since 2026-11-22 04:00 UTC: B" in alert.words
    await arrive(database, ring, "B")
    assert await check(ledger, rolled("B"), 30) is Mark.HEALED
    assert await value(database, "SELECT count(*) FROM alert WHERE kind = 'gap' AND cleared_at IS NULL") == 0


async def test_a_shop_that_cannot_be_asked_for_one_order_is_red_at_once(database: Database, ledger: SqlLedger) -> None:
    async with database.transaction() as tx:
        await tx.execute(text("UPDATE shop SET answers = false"))
    assert await check(ledger, rolled("B")) is Mark.RED
    assert "import its export" in await value(database, "SELECT reason FROM roll_check")


async def test_a_status_that_we_are_behind_with_is_asked_for_and_logged_when_repaired(
    database: Database, ring: KeyRing, ledger: SqlLedger
) -> None:
    await arrive(database, ring, "A", status=ChannelStatus.UNPAID)
    day = replace(SPAN, kind=DAY)
    assert await check(ledger, rolled("A"), span=day) is Mark.AMBER
    assert await value(database, "SELECT fault FROM roll_number") == "status"
    assert await value(database, "SELECT count(*) FROM reread WHERE no = 'A'") == 1
    await apply(database, ring, order("A", minute=3), 2)
    assert await check(ledger, rolled("A"), 5, day) is Mark.GREEN
    assert await value(database, "SELECT subject FROM audit WHERE action = 'ledger.status'") == "own:demo:A"


async def test_an_order_that_the_platform_does_not_name_is_listed(
    database: Database, ring: KeyRing, ledger: SqlLedger
) -> None:
    await arrive(database, ring, "A")
    assert await check(ledger, []) is Mark.AMBER
    assert await value(database, "SELECT no || ' ' || fault FROM roll_number") == "A extra"


async def test_what_is_due_is_what_is_over_and_was_not_compared_and_comes_again_after_a_day(
    database: Database, ledger: SqlLedger
) -> None:
    assert await ledger.due(SOURCE, LATER - MINUTES) == []
    assert await ledger.due(SOURCE, LATER) == [SPAN]
    await check(ledger, [])
    assert await ledger.due(SOURCE, LATER + MINUTES) == []
    day_later = await ledger.due(SOURCE, SPAN.end + timedelta(days=1))
    assert day_later[0] == SPAN
    assert {span.kind for span in day_later} == {HOUR, DAY}
    assert len({(span.kind, span.start) for span in day_later}) == len(day_later)


async def test_a_platform_that_cannot_be_asked_is_told_the_third_time_and_asked_again(
    database: Database, ledger: SqlLedger
) -> None:
    for n in range(3):
        await ledger.unasked(SOURCE, SPAN, "HTTP 503", LATER + n * MINUTES)
    (row,) = await rows(database, "SELECT * FROM roll_check")
    assert (row.state, row.failures, row.reason) == ("3-unasked", 3, "HTTP 503")
    assert await value(database, "SELECT kind FROM alert WHERE cleared_at IS NULL") == "roll"
    assert await ledger.due(SOURCE, LATER + 10 * MINUTES) == [SPAN]
    await check(ledger, [], 10)
    assert await value(database, "SELECT count(*) FROM alert WHERE cleared_at IS NULL") == 0


async def test_an_answer_that_names_what_is_missing_is_kept_once(
    database: Database, ring: KeyRing, ledger: SqlLedger
) -> None:
    for _ in range(2):
        await ledger.keep(SOURCE, b'{"orders": []}', LATER)
    (row,) = await rows(database, "SELECT id, key FROM inbox")
    assert row.key.startswith("roll:")
    assert await Inbox(database, ring).raw(row.id) == b'{"orders": []}'
