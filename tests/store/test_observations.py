"""The queue between inbox and apply: lanes first (INT-5), never the same row twice, set aside at last."""

import asyncio
from datetime import timedelta

import pytest

from domain.observations import ChannelStatus, Observation, ParcelState
from store import observations
from store.apply import book
from store.database import Database
from store.inbox import Arrival, Inbox
from store.keyring import KeyRing
from store.observations import MAX_ATTEMPTS, Rest
from tests.conftest import NOON
from tests.store.builders import booking, change, confirm, order, rows, stocked, track, value


async def queued(database: Database, ring: KeyRing, *seen: Observation) -> None:
    box = Inbox(database, ring)
    for n, one in enumerate(seen):
        await box.accept(Arrival("own", "demo", "push", {}, b"raw", NOON), f"e{n}", None, (one,))


async def test_the_most_urgent_lane_is_taken_first_and_each_lane_in_order_of_arrival(
    database: Database, ring: KeyRing
) -> None:
    unpaid, paid = order("T1", ChannelStatus.UNPAID), order("T2")
    seen = (track("SF1", ParcelState.IN_TRANSIT, 1), unpaid, paid, confirm(no="T9-1"), order("T3"))
    await queued(database, ring, *seen)
    taken = []
    async with database.transaction() as tx:
        assert await observations.backlog(tx) == 5
        while one := await observations.take(tx, ring, NOON):
            taken.append(one.subject)
            await observations.done(tx, one, "applied", NOON)
        assert await observations.backlog(tx) == 0
    assert taken == ["own:demo:T2", "T9-1", "own:demo:T3", "own:demo:T1", "SF:SF1"]


async def test_what_was_sealed_into_the_queue_comes_out_equal(database: Database, ring: KeyRing) -> None:
    seen = (order("T1"), confirm(no="T9-1"), track("SF1", ParcelState.SIGNED, 1, 2))
    await queued(database, ring, *seen)
    async with database.transaction() as tx:
        out = []
        while one := await observations.take(tx, ring, NOON):
            out.append(one.seen)
            await observations.done(tx, one, "applied", NOON)
    assert out == [seen[0], seen[1], seen[2]]


async def test_four_takers_at_once_never_hold_the_same_row(database: Database, ring: KeyRing) -> None:
    await queued(database, ring, *(order(f"T{n}") for n in range(12)))
    all_hold, taken = asyncio.Barrier(4), list[int]()

    async def taker() -> None:
        for _ in range(3):
            async with database.transaction() as tx:
                one = await observations.take(tx, ring, NOON)
                assert one is not None
                await all_hold.wait()
                taken.append(one.id)
                await observations.done(tx, one, "applied", NOON)
            await all_hold.wait()

    await asyncio.gather(*(taker() for _ in range(4)))
    assert len(taken) == len(set(taken)) == 12


async def test_an_observation_that_came_too_early_rests_and_is_set_aside_after_its_last_attempt(
    database: Database, ring: KeyRing
) -> None:
    await queued(database, ring, confirm(no="T9-1"))
    row_id = await value(database, "SELECT id FROM observation")
    async with database.transaction() as tx:
        await observations.later(tx, row_id, NOON, Rest(30, "no fulfilment order T9-1"))
        assert await observations.take(tx, ring, NOON + timedelta(seconds=29)) is None
        assert await observations.take(tx, ring, NOON + timedelta(seconds=30)) is not None
    await change(database, "UPDATE observation SET attempts = :n", n=MAX_ATTEMPTS - 2)
    for state in ("new", "failed"):
        async with database.transaction() as tx:
            await observations.later(tx, row_id, NOON, Rest(0, "no fulfilment order T9-1"))
        row = (await rows(database, "SELECT state, reason FROM observation"))[0]
        assert (row.state, row.reason) == (state, "no fulfilment order T9-1")
    async with database.transaction() as tx:
        assert await observations.take(tx, ring, NOON + timedelta(days=1)) is None


async def test_a_taker_that_dies_gives_its_row_back(database: Database, ring: KeyRing) -> None:
    await queued(database, ring, order("T1"))

    async def die() -> None:
        async with database.transaction() as tx:
            assert await observations.take(tx, ring, NOON) is not None
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        await die()
    async with database.transaction() as tx:
        assert await observations.take(tx, ring, NOON) is not None


async def test_a_taken_observation_is_booked_by_its_kind(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=5)
    await queued(database, ring, order("T1"))
    async with database.transaction() as tx:
        taken = await observations.take(tx, ring, NOON)
        assert taken is not None
        assert await book(tx, taken, booking(ring)) == "applied"
    linked = await value(database, "SELECT inbox_id FROM audit WHERE action = 'order.accepted'")
    assert linked == taken.inbox_id == await value(database, "SELECT id FROM inbox")
