"""A time that is off is told once per account (INT-12): a push by its own clock, an order from the future."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from domain.observations import Observation, OrderObserved
from store import alerts
from store.database import Database
from store.inbox import Arrival, Inbox
from store.keyring import KeyRing
from tests.conftest import NOON
from tests.store.builders import order, rows

HOUR = timedelta(hours=1)


async def hear(
    database: Database, ring: KeyRing, way: str, sent_at: datetime | None, *seen: Observation, key: str = "e1"
) -> None:
    await Inbox(database, ring).accept(Arrival("own", "demo", way, {}, b"raw", NOON), key, sent_at, seen)


async def told(database: Database) -> list[Any]:
    return await rows(database, "SELECT kind, level, subject, words FROM alert WHERE cleared_at IS NULL")


@pytest.mark.parametrize(("ahead", "words"), [(8 * HOUR, "8 h ahead of"), (-8 * HOUR, "8 h behind")])
async def test_a_push_from_another_zone_is_told_once(
    database: Database, ring: KeyRing, ahead: timedelta, words: str
) -> None:
    for n in range(3):
        await hear(database, ring, "push", NOON + ahead, key=f"e{n}")
    (alert,) = await told(database)
    assert (alert.kind, alert.level, alert.subject) == ("drift", "2-warning", "clock:own/demo")
    assert f"sent {words} our clock: that looks like a wrong zone" in alert.words
    async with database.transaction() as tx:
        await alerts.clear(tx, alert.subject, NOON)
    assert await told(database) == []


@pytest.mark.parametrize("minutes", [-10, 0, 10])
async def test_a_clock_within_ten_minutes_is_well(database: Database, ring: KeyRing, minutes: int) -> None:
    await hear(database, ring, "push", NOON + timedelta(minutes=minutes), order(minute=minutes))
    assert await told(database) == []


async def test_an_order_from_the_future_is_told_however_it_came(database: Database, ring: KeyRing) -> None:
    """Incident I-5: a pulled time that was read in the wrong zone lies eight hours ahead."""
    await hear(database, ring, "pull", None, order(minute=480))
    (alert,) = await told(database)
    assert (alert.subject, "order T1 was changed 8 h ahead of our clock" in alert.words) == ("clock:own/demo", True)


@pytest.mark.parametrize(
    ("way", "sent_at", "seen"),
    [
        ("pull", None, order(minute=-480)),
        ("push", NOON, order(minute=-60 * 24 * 30)),
        ("pull", NOON - 8 * HOUR, order()),
        ("push", None, order()),
    ],
)
async def test_what_is_only_old_or_states_no_time_is_normal(
    database: Database, ring: KeyRing, way: str, sent_at: datetime | None, seen: OrderObserved
) -> None:
    await hear(database, ring, way, sent_at, seen)
    assert await told(database) == []
