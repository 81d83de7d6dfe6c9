"""Half an hour of whole orders under faults, with one burst of messages in it. Left to `make soak`.

The stream: PER_SECOND new orders a second at an own shop, Taobao and three shops at Douyin, each with its whole life of
some sixteen messages, under everything that a bad day does to us (demo_profile.py) and two kill -9 of every process.
With shops on all platforms two cores do less than 5 a second: twelve vendors are simulated on them, pulled and told of
stock every few seconds. The other soak (test_soak.py) has them all.

The burst: beside the stream, the own shop sends BURST_PER_SECOND messages a second for a minute. They are not so many
new orders: two cores carry eight to twelve whole orders a second to the door, and what a shop sends when a sale begins
is mostly talk about orders that it has just sent. So each buyer of the burst is the reason of MESSAGES_EACH messages
within a tenth of its time: the order is placed (unpaid, stock is held), it is paid, and its remark is edited three
times; sixteen new orders a second for a minute, three times the stream, all of which have to be shipped. Repeats (5 %
of all messages come two or three times), notices of payment, reports and traces come on top and do not count: the rate
is of messages of the burst that were answered with "accepted" for the first time. That a gateway takes five hundred
new orders a second, and how long a backlog of them takes, are measures of `make bench`.
"""

import asyncio
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from clients.cli.demo_facts import DemoBurst, DemoPlan, View
from clients.cli.demo_world import DemoWorld
from clients.cli.rehearse import LANES
from clients.clock import utc_now
from domain.errors import Unavailable
from domain.rehearsal import lag_percentile
from store.database import Database
from store.reads.rehearsal import Pressure, RehearsalReads
from tests.journeys.soaking import DAY, KILLS, WATCHED, Growth, Memory, Sample, limit, prove_all, watch

MINUTES = 30
PER_SECOND = 5.0
BURST_PER_SECOND, BURST_SECONDS, MESSAGES_EACH = 80, 60, 5
SHORT_BURST = 3
"""Seconds of burst for each minute, where the run is too short for a whole one."""
BURST_AT = 0.2
"""Share of the time after which it begins: most of the time is for its backlog, and for what stays of it in memory."""
LEAST_RATE = 0.9
"""Share of BURST_PER_SECOND that has to be accepted while it lasts; what came later was accepted all the same."""
MEASURED_FROM, MEASURED_TO = 0.1, 0.9
"""Shares of the orders between which nobody is killed and nothing is loaded for the first time."""
LATE_SECONDS = 15
"""So long after its end it is still told what of it is accepted."""
CALM_SECONDS = 10.0
"""So long, look after look, the lanes have to be as they were before the burst, for it to be over."""
CORE_SECONDS, CALLS_SECONDS = 5.0, 15.0
"""So far behind is calm in any case: apply and deliver; calls to others, which break down for six seconds a minute."""

_ENDED = text(
    """
    SELECT count(*) FROM orders
    WHERE channel = 'own' AND no >= :first AND case_no = '' AND status IN ('completed', 'closed')
    """
)


@dataclass(frozen=True)
class Look:
    """What was seen at one moment; `since` the burst began, by the simulator's clock; `left`: its orders not ended."""

    seconds: float
    since: float
    share: float
    sent: int
    left: int
    pressure: Pressure

    def lags(self) -> dict[str, float]:
        """Give how far each lane, and each kind of call, is behind."""
        found: dict[str, float] = {}
        for queue, lanes in (("apply", self.pressure.apply), ("deliver", self.pressure.deliver)):
            found |= {f"{queue} {words}": 0.0 for words in LANES.values()}
            found |= {f"{queue} {LANES[one.lane]}": max(0.0, one.oldest_seconds) for one in lanes}
        for call in self.pressure.calls:
            found[call.kind] = max(found.get(call.kind, 0.0), call.oldest_seconds)
        return found


@dataclass
class Looks:
    """Looks at the backlog, one after the other."""

    world: DemoWorld
    memory: Memory
    burst: DemoBurst
    taken: list[Look] = field(default_factory=list)

    def look(self, view: View) -> None:
        """Take a look; while the database is on its way back there is none."""
        if view.burst is None:
            return
        try:
            ended, pressure = asyncio.run(self._ask())
        except Unavailable:
            return
        share, left = view.sent / max(1, view.planned), self.burst.buyers - ended
        now = self.memory.now()
        self.taken.append(Look(now, view.burst["since"], share, view.sent, left, pressure))

    async def _ask(self) -> tuple[int, Pressure]:
        plan = self.world.plan
        first = f"D{plan.seed % 1_000_000:06d}{plan.orders + 1:05d}"
        database = Database(self.world.installation.run.environment["OMS_DATABASE_URL"], pool=1)
        try:
            async with database.transaction() as tx:
                ended = int((await tx.execute(_ENDED, {"first": first})).scalar_one())
            return ended, await RehearsalReads(database).now(utc_now())
        finally:
            await database.close()

    def usual(self) -> dict[str, float]:
        """Give how far each lane was behind before the burst, but for the worst of twenty looks."""
        before = [one.lags() for one in self.taken if one.since < 0 and one.share >= MEASURED_FROM]
        names = {name for one in self.taken for name in one.lags()}
        least = {name: CORE_SECONDS if name.split()[0] in ("apply", "deliver") else CALLS_SECONDS for name in names}
        return {name: max(least[name], lag_percentile([one.get(name, 0.0) for one in before], 0.95)) for name in names}

    def drained(self) -> Look | None:
        """Find the moment from which all of the burst has ended and every lane stays as it was before."""
        usual, calm = self.usual(), None
        for one in self.taken:
            over = one.since > self.burst.seconds and not one.left
            if not over or any(seconds > usual[name] for name, seconds in one.lags().items()):
                calm = None
                continue
            calm = calm or one
            if one.seconds - calm.seconds >= CALM_SECONDS:
                return calm
        return None

    def report(self) -> Iterator[str]:
        """Write minute by minute what came, and how far each lane was behind at worst."""
        names = sorted({name for one in self.taken for name in one.lags()})
        yield "seconds behind, the most of a minute; messages stored and orders sent a second, the burst's orders left"
        yield "minute  stored  orders    left" + "".join(f"{name:>16}" for name in names)
        for minute in range(1 + int(self.taken[-1].seconds // 60)):
            found = [one for one in self.taken if one.seconds // 60 == minute]
            if len(found) < 2:
                continue
            first, last = found[0], found[-1]
            took = last.seconds - first.seconds
            stored = (last.pressure.accepted - first.pressure.accepted) / took
            orders = (last.sent - first.sent) / took
            worst = "".join(f"{max(one.lags().get(name, 0.0) for one in found):>16.1f}" for name in names)
            yield f"{minute + 1:>6}  {stored:>6.1f}  {orders:>6.1f}  {last.left:>6}{worst}"


UNHURRIED: dict[str, dict[str, float]] = {
    "timing": {
        "ship_by_seconds": 300.0, "ship_warning_seconds": 60.0,
        "courier_query_seconds": 60.0, "warehouse_query_seconds": 60.0, "audit_period_seconds": 60.0,
        "pull_period_seconds": 20.0, "pull_beside_push_seconds": 40.0,
        "roll_period_seconds": 40.0, "roll_hour_seconds": 60.0,
        "drain_heartbeat_seconds": 20.0, "drain_poll_seconds": 0.5, "stock_poll_seconds": 4.0,
    },
    "stock": {"refund_poll_seconds": 120.0},
}  # fmt: skip
"""What does not hurry as much as in a demo, where a day is over in two minutes; all far from life still.

* With two days in twenty seconds every order would be late that waits in a backlog of half a minute, its courier asked
  eight times where the parcel is, and its shop eight times whether its buyer wants the money back: twice the work at
  the worst moment. That orders are late, are warned of and escalated is shown by the other soak. What gets lost
  (confirmations, signatures) is asked for after a minute.
* In a demo looking for work, pulling and comparing costs a fifth of the machine also where nothing happens: in life it
  is nothing beside the orders, for nobody pulls every ten seconds. Stock is told after four seconds (INV-6: five).
"""
DOSES: dict[str, float | list[str]] = {
    "duplicate_share": 0.08, "reorder_share": 0.1,
    "never_pay_share": 0.05, "late_pay_share": 0.05, "cancel_unpaid_share": 0.05, "cancel_paid_share": 0.05,
    "case_share": 0.02, "presale_share": 0.05, "bundle_share": 0.05,
    "split_package_share": 0.05, "partial_confirm_share": 0.05,
    "reported_stages": ["ACCEPT", "PACKAGE"],
}  # fmt: skip
"""What the stream has less of than a demo, whose 300 orders have to show everything.

The faults are those of the bad day; 8 % of the messages are repeated and 10 % come too late, and not 15 % of them.
What buyers and warehouses do, and is no fault, is rarer, as in life: two orders in three are simply paid, packed, sent
and signed, where in a demo it is one in three; no agents or buyers open cases here, platforms do; and the warehouse
reports two of its six stages. The other soak has all of it in full.
"""


@pytest.fixture
def plan(request: pytest.FixtureRequest) -> DemoPlan:
    seed = request.config.getoption("--soak-seed")
    minutes = request.config.getoption("--soak-minutes") or MINUTES
    seconds = min(BURST_SECONDS, SHORT_BURST * minutes)
    burst = DemoBurst(BURST_AT * minutes * 60, seconds, BURST_PER_SECOND * seconds // MESSAGES_EACH, MESSAGES_EACH)
    return DemoPlan(
        random.SystemRandom().randrange(1, 1_000_000) if seed is None else seed,
        DAY,
        days=max(1, round(minutes * 60 * PER_SECOND / DAY)),
        few=True,
        rate=PER_SECOND,
        burst=burst,
        cases=False,
        settings=UNHURRIED,
        doses=DOSES,
    )


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_a_burst_in_the_stream_loses_nothing_and_drains_and_memory_is_flat_after_it(
    plan: DemoPlan, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """INT-4, INT-5: 5 whole orders/s with faults, a burst of 80 accepted/s: none lost, none doubled, none oversold."""
    assert plan.burst is not None
    world, memory = DemoWorld(tmp_path, plan, KILLS), Memory()
    looks = Looks(world, memory, plan.burst)
    with capsys.disabled():
        print(f"\nsoak: seed {plan.seed}, {plan.orders} orders, {PER_SECOND} a second; {plan.burst}")
        try:
            world.start()
            watch(world, memory, looks.look)
            world.settle()
            evidence = world.evidence()
        finally:
            world.stop()
        for line in (*memory.report(), *looks.report(), *_told(looks, evidence.books["burst"])):
            print(line)
        drained = looks.drained()
        prove_all(evidence, plan)
        _judge_burst(evidence.books)
        assert drained is not None, "the backlog of the burst was there to the end; the report above says where"
        assert drained.share < 1, f"the backlog drained only when no new orders came, after {drained.since:.0f} s"
        _judge_memory(memory, looks, drained)


def _told(looks: Looks, burst: dict[str, Any]) -> Iterator[str]:
    """Say what the burst was, and when it was over."""
    seconds = burst["by_second"][: int(burst["seconds"]) + LATE_SECONDS]
    yield f"burst: {burst['taken']} of {burst['planned']} messages accepted, and {burst['repeats_taken']} repeats"
    yield f"       {_rate(burst):.1f} a second while it lasted; second by second: {' '.join(map(str, seconds))}"
    end = looks.burst.seconds
    ended = next((one for one in looks.taken if one.since > end and not one.left), None)
    yield f"       its last order ended {ended.since - end:.0f} s after its end" if ended else "       not all ended"
    usual = looks.usual()
    for name, most in sorted(usual.items()):
        behind = [one for one in looks.taken if one.since > 0 and one.lags().get(name, 0.0) > most]
        worst = max((one.lags().get(name, 0.0) for one in looks.taken if one.since > 0), default=0.0)
        last = f"the last time {behind[-1].since - end:.0f} s after its end" if behind else "never"
        yield f"       {name}: at most {worst:.1f} s behind; more than the usual {most:.1f} s {last}"
    if drained := looks.drained():
        yield f"       everything was as before {drained.since - end:.0f} s after its end"


def _rate(burst: dict[str, Any]) -> float:
    while_it_lasted: list[int] = burst["by_second"][: int(burst["seconds"])]
    return sum(while_it_lasted) / float(burst["seconds"])


def _judge_burst(books: dict[str, Any]) -> None:
    burst = books["burst"]
    refused = books["faults"].get("shop_refused", 0)  # signed with a key that was new to us; let in later
    assert burst["taken"] >= burst["planned"] - refused, "messages of the burst were never accepted"
    assert _rate(burst) >= LEAST_RATE * BURST_PER_SECOND, f"only {_rate(burst):.1f} messages a second were accepted"


def _judge_memory(memory: Memory, looks: Looks, drained: Look) -> None:
    """Compare how each process grew before the burst and after its backlog was gone."""
    begins = next(one.seconds for one in looks.taken if one.since > 0)

    def before(one: Sample) -> bool:
        return one.share >= MEASURED_FROM and one.seconds < begins

    def after(one: Sample) -> bool:
        return one.seconds >= drained.seconds and one.share <= MEASURED_TO

    grown: dict[str, Growth] = {}
    for name in WATCHED:
        was, grown[name] = memory.growth(name, before), memory.growth(name, after)
        print(
            f"{name}: {was.slope:+.2f} MB a minute around {was.level:.0f} MB before the burst, "
            f"{grown[name].slope:+.2f} ({grown[name].megabytes:+.1f} MB) around {grown[name].level:.0f} MB after it; "
            f"at most {limit(name, PER_SECOND):.2f}"
        )
    too_much = [name for name, one in grown.items() if one.too_much(limit(name, PER_SECOND))]
    assert not too_much, f"{', '.join(too_much)} grew after the burst; the report above says how"
