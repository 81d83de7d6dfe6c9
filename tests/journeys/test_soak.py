"""The bad day for twenty minutes, and demos from several seeds. Left to `make soak` (--soak-minutes, --soak-seed)."""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import linear_regression, median

import pytest

from clients.cli.demo_facts import PER_SECOND, DemoPlan, Evidence, View
from clients.cli.demo_kills import POSTGRES, TEMPORAL
from clients.cli.demo_mischief import missing, planned_mischief
from clients.cli.demo_world import SIMULATOR, DemoWorld
from clients.installation import GATEWAY, WORKER
from domain.proof import prove
from tests.benchmarks.machine import resident_kb
from tests.journeys import test_demo

DAY = 300
"""Orders of one bad day; so many days as fit into the minutes follow each other without a pause."""
LOOK_SECONDS = 1.0
STALL_SECONDS = 120.0
EARLY, LATE = (0.02, 0.04, 0.06, 0.08), (0.92, 0.94, 0.96, 0.98)
VICTIMS = (WORKER, GATEWAY, TEMPORAL, POSTGRES)
KILLS = tuple((at, name) for moments in (EARLY, LATE) for at, name in zip(moments, VICTIMS, strict=True))
"""Everybody is killed at the beginning and at the end; between them each process lives long enough to be measured."""
MEASURED_FROM, MEASURED_TO = 0.3, 0.9
"""Shares of the orders: before, a process still loads what it loads once (code, pools, statements, its open orders)."""
WATCHED = (WORKER, GATEWAY, SIMULATOR)
LEAK_KB_PER_ORDER = {WORKER: 5.0, GATEWAY: 5.0, SIMULATOR: 60.0}
"""How much resident memory may grow for each order that passes, in KB.

An order that stays in the worker's memory takes 70 to 90 KB there (docs/benchmarks.md), one of its 16 messages with
what was read in it more than 1 KB in any process: 5 KB is less than a third of the messages kept, and a fourteenth of
the orders.
The simulator keeps its books, that is every order with its parcels and traces, until the proof has read them.
"""
OPEN_KB = {WORKER: 90.0}
"""What an order takes that is under way (docs/benchmarks.md): no growth, and more of them where the machine is busy."""
NOISE_MB = 8.0
"""So much resident memory goes up and down by itself: over a short run a slope alone says little."""


@dataclass(frozen=True)
class Sample:
    """One look at one process; `share` of the orders were sent, `open_orders` under way."""

    seconds: float
    share: float
    open_orders: int
    pid: int
    megabytes: float


@dataclass
class Memory:
    """Resident memory of the processes over time."""

    samples: dict[str, list[Sample]] = field(default_factory=lambda: {name: [] for name in WATCHED})
    began: float = field(default_factory=time.monotonic)

    def note(self, world: DemoWorld, view: View) -> None:
        """Take one sample of each process that lives."""
        under_way = sum(n for status, n in view.counts.items() if status not in ("completed", "closed"))
        for name in WATCHED:
            process = world.installation.children[name].process
            if process is None or process.poll() is not None:
                continue
            seconds, share = time.monotonic() - self.began, view.sent / max(1, view.planned)
            megabytes = resident_kb(process.pid) / 1024
            self.samples[name].append(Sample(seconds, share, under_way, process.pid, megabytes))

    def report(self) -> Iterator[str]:
        """Write the median of each minute; a process that was killed meanwhile begins anew."""
        minutes = 1 + max(int(one.seconds // 60) for samples in self.samples.values() for one in samples)
        yield "resident MB, median of each minute; beside it the orders that were under way"
        yield "minute    " + "".join(f"{name:>11}" for name in (*WATCHED, "orders"))
        for minute in range(minutes):
            at = {name: [one for one in self.samples[name] if one.seconds // 60 == minute] for name in WATCHED}
            cells = [f"{median(one.megabytes for one in found):.1f}" if found else "-" for found in at.values()]
            orders = median([one.open_orders for one in at[SIMULATOR]] or [0])
            yield f"{minute + 1:>6}    " + "".join(f"{cell:>11}" for cell in (*cells, f"{orders:.0f}"))

    def growth(self, name: str) -> tuple[float, float]:
        """Give the slope while it is measured, in MB a minute, and the MB that it comes to in that time."""
        measured = [one for one in self.samples[name] if MEASURED_FROM <= one.share <= MEASURED_TO]
        assert len({one.pid for one in measured}) == 1, f"the {name} was started again while it was measured"
        seconds = [one.seconds for one in measured]
        kept = [one.megabytes - one.open_orders * OPEN_KB.get(name, 0.0) / 1024 for one in measured]
        slope = linear_regression(seconds, kept).slope
        return slope * 60, slope * (seconds[-1] - seconds[0])


@pytest.fixture
def plan(request: pytest.FixtureRequest) -> DemoPlan:
    seed = request.config.getoption("--soak-seed")
    minutes = request.config.getoption("--soak-minutes")
    days = max(1, round(minutes * 60 * PER_SECOND / DAY))
    return DemoPlan(random.SystemRandom().randrange(1, 1_000_000) if seed is None else seed, DAY, days=days)


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_bad_days_without_a_pause_lose_nothing_and_memory_stays_flat(
    plan: DemoPlan, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """OPS-1: as the demo, for twenty minutes; what a process takes does not grow with the orders it has done."""
    world, memory = DemoWorld(tmp_path, plan, KILLS), Memory()
    with capsys.disabled():
        print(f"\nsoak: seed {plan.seed}, {plan.days} bad days of {plan.count} orders, {PER_SECOND} a second")
        try:
            world.start()
            _until_finished(world, memory)
            world.settle()
            evidence = world.evidence()
        finally:
            world.stop()
        for line in memory.report():
            print(line)
        growths = {name: memory.growth(name) for name in WATCHED}
        for name, (slope, megabytes) in growths.items():
            print(f"{name}: {slope:+.2f} MB a minute, at most {_limit(name):.2f}; {megabytes:+.1f} MB while measured")
    _prove(evidence, plan)
    too_much = [name for name, (slope, mb) in growths.items() if slope > _limit(name) and mb > NOISE_MB]
    assert not too_much, f"{', '.join(too_much)} grew with the orders; the report above says how"


def _limit(name: str) -> float:
    """MB a minute, from what may stay of each order."""
    return LEAK_KB_PER_ORDER[name] / 1024 * PER_SECOND * 60


def _until_finished(world: DemoWorld, memory: Memory) -> None:
    moved_at, last = time.monotonic(), None
    while True:
        view = world.look()
        memory.note(world, view)
        for line in view.news:
            print(f"{time.monotonic() - memory.began:7.1f} s  {line}")
        if view.finished:
            return
        if view.fingerprint != last:
            last, moved_at = view.fingerprint, time.monotonic()
        if time.monotonic() - moved_at > STALL_SECONDS:
            print("nothing moves any more; the proof says what is open")
            return
        time.sleep(LOOK_SECONDS)


def _prove(evidence: Evidence, plan: DemoPlan) -> None:
    """Nothing lost, doubled, oversold or left, and every mischief that was planned has happened."""
    mischief = planned_mischief(evidence, plan)
    findings = prove(evidence.orders, evidence.skus, evidence.books) + missing(mischief, evidence, plan)
    assert findings == [], [f"{one.rule} {one.subject}: {one.words}" for one in findings[:20]]
    assert len(evidence.orders) == plan.orders
    assert all(evidence.kills.count(name) == 2 for name in VICTIMS)
    assert {order.status for order in evidence.orders} == {"completed", "closed"}


@pytest.mark.soak
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", ["1", "2", "3"])
def test_the_whole_bad_day_of_each_seed_is_proven(tmp_path: Path, seed: str) -> None:
    ended = test_demo.run_demo(tmp_path / "data", "--seed", seed)
    assert ended.exit_code == 0, ended.output
    assert test_demo.cells(ended.output, "orders sent / stored") == ["300", "300"]
