"""Any shuffle, repetition and loss of messages ends in the same facts, if each source's last word comes (INT-6).

Cancellations and confirmations of a warehouse are drawn apart: which of the two wins is decided by time itself.
"""

from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.observations import ChannelStatus, Observation, ParcelState, ProcessReported
from store.database import Database
from store.keyring import KeyRing
from tests.conftest import NOON
from tests.facts import facts_of
from tests.journeys.lifeline import Lifeline
from tests.store.builders import (
    TIMING,
    apply,
    assert_counters_add_up,
    confirm,
    counters,
    key,
    order,
    package,
    rows,
    stocked,
    track,
)

EXAMPLES = 25
TRIES = 40
NUMBERS = count(1)
Source = list[Observation]
REFUND: dict[str, Any] = {"paid_at": NOON + timedelta(minutes=5)}


def life(no: str) -> list[Source]:
    """What three sources say of an order that is delivered; the last word of each comes last."""
    stages = ("ACCEPT", "PICK", "PACKAGE", "WEIGH")
    said = [ProcessReported(f"{no}-1", stage, NOON + timedelta(minutes=10 + n)) for n, stage in enumerate(stages)]
    parcel = confirm(package(f"SF-{no}", A=2, B=1), no=f"{no}-1")
    scans = [track(f"SF-{no}", ParcelState.IN_TRANSIT, *range(100, 100 + n)) for n in range(1, 4)]
    signed = track(f"SF-{no}", ParcelState.SIGNED, *range(100, 105))
    skus = {"A": 2, "B": 1}
    shop = [order(no, ChannelStatus.UNPAID, skus=skus), order(no, ChannelStatus.PAID, 5, skus=skus)]
    return [[*shop], [*said], [parcel], [*scans, signed]]


def refunded(no: str) -> list[Source]:
    """An order whose money went back before it left; the warehouse only reports."""
    skus = {"A": 2, "B": 1}
    paid = order(no, ChannelStatus.PAID, 5, skus=skus)
    back = order(no, ChannelStatus.REFUNDED, 9, skus=skus, **REFUND)
    return [[order(no, ChannelStatus.UNPAID, skus=skus), paid, back]]


def cancelled(no: str) -> list[Source]:
    """An order that its buyer never paid."""
    skus = {"A": 2, "B": 1}
    return [[order(no, ChannelStatus.UNPAID, skus=skus), order(no, ChannelStatus.CANCELLED, 9, skus=skus)]]


@dataclass(frozen=True)
class Telling:
    """How the world tells it: which words, how often, in which order, and how many steps are taken in between."""

    words: tuple[tuple[int, int], ...]
    steps: tuple[int, ...]


@st.composite
def tellings(draw: st.DrawFn, sources: list[Source]) -> Telling:
    said: list[tuple[int, int]] = []
    for number, source in enumerate(sources):
        said += [(number, len(source) - 1)] * draw(st.integers(1, 2))
        for word in range(len(source) - 1):
            said += [(number, word)] * draw(st.integers(0, 2))
    words = draw(st.permutations(said))
    return Telling(tuple(words), tuple(draw(st.integers(0, 3)) for _ in words))


async def tell(line: Lifeline, sources: list[Source], telling: Telling) -> None:
    """Tell it as drawn; what comes before its facts is put back and told again, as apply does."""
    waiting: list[Observation] = []
    for (source, word), steps in zip(telling.words, telling.steps, strict=True):
        waiting.append(sources[source][word])
        waiting = [seen for seen in waiting if not await line.hear(seen)]
        for _ in range(steps):
            await line.step()
    for _ in range(TRIES):
        await line.run()
        waiting = [seen for seen in waiting if not await line.hear(seen)]
        if not waiting:
            break
    await line.run()
    assert not waiting, "something still waits for its facts"


async def told(database: Database, ring: KeyRing, story: Any, telling: Telling | None) -> dict[str, list[str]]:
    """Tell a story of a new order, in its own order without a telling, and read what is true in the end."""
    no = f"X{next(NUMBERS):04d}"
    sources = story(no)
    line = Lifeline(database, ring, key(no), TIMING, NOON)
    calm = tuple((number, word) for number, source in enumerate(sources) for word in range(len(source)))
    await tell(line, sources, telling or Telling(calm, (3,) * len(calm)))
    assert line.stage in {"completed", "closed"}
    facts = await facts_of(database, key(no))
    if line.stage == "closed":  # an order that ended had come as far as time let it
        facts["order"] = [row.replace("'cancelled'", "'none'") for row in facts["order"]]
    return {name: sorted(row.replace(no, "NO") for row in found) for name, found in facts.items()}


async def test_money_that_goes_back_after_the_close_clears_the_alert(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=2)
    line = await unpaid(database, ring, "T1")
    await line.lock_ends()
    await line.late_window_ends()
    await apply(database, ring, order("T1", minute=3000, skus={"A": 2}), 99)
    back = order("T1", ChannelStatus.REFUNDED, 3001, skus={"A": 2})
    assert await apply(database, ring, back, 100) == "late"
    assert not await rows(database, "SELECT 1 FROM alert WHERE cleared_at IS NULL")


STORIES = {"delivered": life, "refunded": refunded, "cancelled": cancelled}
OF_ONE_MOMENT = {"refunded": {"fulfillments", "allocations", "reservations"}, "cancelled": {"reservations"}}
"""How far an order had come when it was ended may differ; that nothing is held is asserted for all."""


@pytest.mark.parametrize("name", STORIES)
async def test_any_order_of_messages_ends_in_the_same_facts(database: Database, ring: KeyRing, name: str) -> None:
    story = STORIES[name]
    await stocked(database, ring, A=1000, B=1000)
    measure = await told(database, ring, story, None)
    drawn: list[Telling] = []

    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
    @given(tellings(story("NO")))
    def draw(telling: Telling) -> None:
        drawn.append(telling)

    draw()
    for telling in drawn:
        facts = await told(database, ring, story, telling)
        for kind, found in facts.items():
            if kind in OF_ONE_MOMENT.get(name, ()):
                assert not [row for row in found if "'open'" in row or "'pushed'" in row], telling
            else:
                assert found == measure[kind], (kind, telling)
    await assert_counters_add_up(database)
    for sku in "AB":
        assert (await counters(database, sku))[1:] == (0, 0)


async def unpaid(database: Database, ring: KeyRing, no: str, units: int = 2) -> Lifeline:
    line = Lifeline(database, ring, key(no), TIMING, NOON)
    await line.hear(order(no, ChannelStatus.UNPAID, skus={"A": units}))
    await line.run()
    assert line.stage == "payment"
    return line


async def test_a_payment_after_the_lock_is_honoured_while_stock_is_left(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=2)
    line = await unpaid(database, ring, "T1")
    await line.lock_ends()
    assert await counters(database) == (2, 0, 0)
    await line.hear(order("T1", ChannelStatus.PAID, 60, skus={"A": 2}))
    await line.run()
    assert line.stage == "pushed"
    assert await counters(database) == (2, 0, 2)


async def test_a_payment_after_the_lock_without_stock_is_told_at_once(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=2)
    line = await unpaid(database, ring, "T1")
    await line.lock_ends()
    await apply(database, ring, order("T2", skus={"A": 1}))
    await line.hear(order("T1", ChannelStatus.PAID, 60, skus={"A": 2}))
    await line.run()
    assert line.stage == "short"
    (row,) = await rows(database, "SELECT stuck, stuck_reason, status FROM orders WHERE no = 'T1'")
    assert tuple(row) == (True, "out of stock: A", "paid")
    alerts = await rows(database, "SELECT kind, subject FROM alert WHERE cleared_at IS NULL")
    assert [tuple(one) for one in alerts] == [("out_of_stock", key("T1"))]
    assert await counters(database) == (2, 1, 0), "the other buyer keeps what was reserved"


async def test_a_payment_stored_as_the_lock_ends_keeps_its_stock(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=2)
    line = await unpaid(database, ring, "T1")
    await line.hear(order("T1", ChannelStatus.PAID, 30, skus={"A": 2}))
    line.seen.clear()  # the facts are stored, the event is not delivered
    await line.lock_ends()
    assert line.stage == "planned"
    assert await counters(database) == (2, 0, 2)


async def test_a_payment_after_the_late_window_is_recorded_as_late(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=2)
    line = await unpaid(database, ring, "T1")
    await line.lock_ends()
    await line.late_window_ends()
    (row,) = await rows(database, "SELECT status, close_reason FROM orders")
    assert tuple(row) == ("closed", "unpaid")
    assert await apply(database, ring, order("T1", minute=3000, skus={"A": 2}), 99) == "late"
    (row,) = await rows(database, "SELECT status, payment_status, close_reason FROM orders")
    assert tuple(row) == ("closed", "paid", "unpaid"), "the money is seen, the order stays closed"
    (alert,) = await rows(database, "SELECT kind, level FROM alert WHERE cleared_at IS NULL")
    assert tuple(alert) == ("late_payment", "1-critical"), "somebody must pay the money back"
    assert await counters(database) == (2, 0, 0)
    events = await rows(database, "SELECT event FROM delivery WHERE delivered_at IS NULL")
    assert not events, "an ended workflow is not woken"
