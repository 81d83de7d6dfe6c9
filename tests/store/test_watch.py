"""The figures of the watch from real rows, and its alerts: raised, reworded, cleared by themselves (OPS-1)."""

from datetime import timedelta
from typing import Any

import pytest

from clients.clock import utc_now
from domain.outgoing import Queue
from domain.watch import Figures, Finding, findings
from store import outgoing, settings_docs, watch
from store.database import Database
from store.deliveries import claim
from store.inbox import Arrival, Inbox
from store.keyring import KeyRing
from store.outgoing import SqlOutgoing
from store.reads.watch import WatchReads
from store.settings_docs import Profile
from tests.conftest import NOON
from tests.store.builders import apply, change, key, order, rows, stocked, value

HOUR = 3600.0
QUEUE = Queue("subscribe", "kdniao", "c")


async def test_an_empty_house_has_no_figures(database: Database) -> None:
    figures = await WatchReads(database).figures(HOUR, NOON)
    assert (figures.apply, figures.deliver, figures.calls, figures.pulls, figures.stuck) == ((), (), (), (), 0)


async def test_what_waits_is_counted_with_the_age_of_the_oldest(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=5)
    await apply(database, ring, order())
    now = utc_now()
    await Inbox(database, ring).accept(Arrival("own", "s", "push", {}, b"x", now), "e", None, (order("T2"),))
    figures = await WatchReads(database).figures(HOUR, now + timedelta(seconds=90))
    (waiting,) = figures.apply
    assert (waiting.lane, waiting.waiting, round(waiting.oldest_seconds)) == (0, 1, 90)
    assert sum(lane.waiting for lane in figures.deliver) == 1
    await change(database, "UPDATE observation SET next_at = :at", at=now + timedelta(hours=1))
    assert (await WatchReads(database).figures(HOUR, now)).apply == (), "what was put back on purpose is not late"
    await change(database, "UPDATE orders SET stuck = true")
    assert (await WatchReads(database).figures(HOUR, now)).stuck == 1


async def test_calls_are_counted_per_account_and_refusals_for_an_hour(database: Database, ring: KeyRing) -> None:
    await apply(database, ring, order())
    async with database.transaction() as tx:
        for n in range(3):
            await outgoing.add(tx, QUEUE, f"s{n}", key(), {"at": NOON.isoformat()})
    calls = await SqlOutgoing(database, ring).claim(QUEUE, NOON, 1)
    await SqlOutgoing(database, ring).refused(QUEUE, calls[0], "105", NOON)
    (found,) = (await WatchReads(database).figures(HOUR, NOON + timedelta(minutes=10))).calls
    assert (found.kind, found.vendor, found.waiting, found.refused) == ("subscribe", "kdniao", 2, 1)
    assert found.oldest_seconds == 600
    (later,) = (await WatchReads(database).figures(HOUR, NOON + timedelta(hours=2))).calls
    assert (later.waiting, later.refused) == (2, 0)


async def settle(database: Database, found: list[Finding], minute: int, judged: tuple[str, ...] = ("lag",)) -> None:
    async with database.transaction() as tx:
        limits = await settings_docs.alert_limits(tx, Profile.LIVE)
        await watch.settle(tx, found, judged, limits, NOON + timedelta(minutes=minute))


async def alerts(database: Database) -> list[Any]:
    return await rows(database, "SELECT kind, subject, words, raised_at, cleared_at FROM alert ORDER BY id")


async def test_an_alert_of_the_watch_lasts_as_long_as_it_is_found(database: Database) -> None:
    await settle(database, [Finding("lag", "apply", "9 wait")], 0)
    await settle(database, [Finding("lag", "apply", "12 wait"), Finding("lag", "deliver", "1 waits")], 1)
    first, second = await alerts(database)
    assert (first.words, first.raised_at, first.cleared_at) == ("12 wait", NOON, None)
    await settle(database, [Finding("lag", "deliver", "1 waits")], 2)
    first, second = await alerts(database)
    assert (first.cleared_at, second.cleared_at) == (NOON + timedelta(minutes=2), None)
    await settle(database, [], 3, judged=())
    assert (await alerts(database))[1].cleared_at is None, "who could not look clears nothing"
    await settle(database, [Finding("lag", "apply", "1 waits")], 4)
    first, _, again = await alerts(database)
    assert (first.raised_at, first.cleared_at) == (NOON, NOON + timedelta(minutes=2)), "its history stays"
    assert (again.subject, again.raised_at, again.cleared_at) == ("apply", NOON + timedelta(minutes=4), None)


async def test_alerts_of_others_stay(database: Database) -> None:
    await change(
        database,
        "INSERT INTO alert (key, kind, level, subject, words, raised_at) "
        "VALUES ('late_payment:x', 'late_payment', '1-critical', 'x', 'w', :now)",
        now=NOON,
    )
    await settle(database, [], 1)
    assert await value(database, "SELECT count(*) FROM alert WHERE cleared_at IS NULL") == 1


@pytest.mark.parametrize(("minutes", "still"), [(59, 1), (61, 0)])
async def test_an_oversize_payload_is_over_after_an_hour_whoever_looks(
    database: Database, minutes: int, still: int
) -> None:
    await settle(database, [Finding("oversize_payload", "temporal", "700,000 bytes")], 0)
    await settle(database, [], minutes)
    assert await value(database, "SELECT count(*) FROM alert WHERE cleared_at IS NULL") == still


async def test_a_claimed_event_still_counts_until_it_is_delivered(database: Database, ring: KeyRing) -> None:
    await apply(database, ring, order())
    async with database.transaction() as tx:
        await claim(tx, utc_now(), 8)
    assert (await WatchReads(database).figures(HOUR, utc_now())).deliver


async def test_a_surge_lasts_until_the_core_is_calm_again(database: Database, ring: KeyRing) -> None:
    """INT-15: remembered by its open alert, so that every process switches off and on with the others."""
    now = utc_now()
    await Inbox(database, ring).accept(Arrival("own", "s", "push", {}, b"x", now), "e", None, (order("T2"),))
    async with database.transaction() as tx:
        limits = await settings_docs.alert_limits(tx, Profile.LIVE)
    for late, surge in ((30, False), (50, True), (30, True), (20, False)):
        store = await WatchReads(database).figures(HOUR, now + timedelta(seconds=late))
        async with database.transaction() as tx:
            await watch.settle(tx, findings(Figures(store), limits), ("surge",), limits, now)
        assert (await WatchReads(database).figures(HOUR, now)).surge is surge, late
