"""What the soaks share: a world under faults for many minutes, what its processes take, and what it has to prove."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from statistics import linear_regression, median

from clients.cli.demo_facts import DemoPlan, Evidence, View
from clients.cli.demo_kills import POSTGRES, TEMPORAL
from clients.cli.demo_mischief import missing, planned_mischief
from clients.cli.demo_proof import proven
from clients.cli.demo_world import SIMULATOR, DemoWorld
from clients.installation import GATEWAY, WORKER
from tests.benchmarks.machine import resident_kb

DAY = 300
"""Orders of one bad day; so many days as fit into the minutes follow each other without a pause."""
LOOK_SECONDS = 4.0
"""Each look counts all there is, which costs more the longer a run lasts; every second it was felt."""
STALL_SECONDS = 120.0
EARLY, LATE = (0.02, 0.04, 0.06, 0.08), (0.92, 0.94, 0.96, 0.98)
VICTIMS = (WORKER, GATEWAY, TEMPORAL, POSTGRES)
KILLS = tuple((at, name) for moments in (EARLY, LATE) for at, name in zip(moments, VICTIMS, strict=True))
"""Everybody is killed at the beginning and at the end; between them each process lives long enough to be measured."""
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

    def now(self) -> float:
        """Say how many seconds it has been watched."""
        return time.monotonic() - self.began

    def note(self, world: DemoWorld, view: View) -> None:
        """Take one sample of each process that lives."""
        under_way = sum(n for status, n in view.counts.items() if status not in ("completed", "closed"))
        for name in WATCHED:
            process = world.installation.children[name].process
            if process is None or process.poll() is not None:
                continue
            seconds, share = self.now(), view.sent / max(1, view.planned)
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

    def growth(self, name: str, measured: Callable[[Sample], bool]) -> "Growth":
        """Give how much a process takes more and more while it is measured, without its open orders."""
        samples = [one for one in self.samples[name] if measured(one)]
        assert len(samples) > 1, f"the {name} was not measured long enough"
        assert len({one.pid for one in samples}) == 1, f"the {name} was started again while it was measured"
        seconds = [one.seconds for one in samples]
        kept = [one.megabytes - one.open_orders * OPEN_KB.get(name, 0.0) / 1024 for one in samples]
        slope = linear_regression(seconds, kept).slope
        return Growth(slope * 60, slope * (seconds[-1] - seconds[0]), median(kept))


@dataclass(frozen=True)
class Growth:
    """The slope in MB a minute, the MB that it comes to in that time, and the MB in the middle of it."""

    slope: float
    megabytes: float
    level: float

    def too_much(self, limit: float) -> bool:
        """Say whether it is more than a limit in MB a minute, and more than goes up and down by itself."""
        return self.slope > limit and self.megabytes > NOISE_MB


def limit(name: str, per_second: float) -> float:
    """MB a minute, from what may stay of each order."""
    return LEAK_KB_PER_ORDER[name] / 1024 * per_second * 60


def watch(world: DemoWorld, memory: Memory, look: Callable[[View], None] = lambda _view: None) -> None:
    """Look again and again until everything is finished, or nothing moves any more; tell what happens."""
    moved_at, last = time.monotonic(), None
    while True:
        view = world.look()
        memory.note(world, view)
        look(view)
        for line in view.news:
            print(f"{memory.now():7.1f} s  {line}")
        if view.finished:
            return
        if view.fingerprint != last:
            last, moved_at = view.fingerprint, time.monotonic()
        if time.monotonic() - moved_at > STALL_SECONDS:
            print("nothing moves any more; the proof says what is open")
            return
        time.sleep(LOOK_SECONDS)


def prove_all(evidence: Evidence, plan: DemoPlan) -> None:
    """Nothing lost, doubled, oversold or left, and every mischief that was planned has happened."""
    findings = proven(evidence) + missing(planned_mischief(evidence, plan), evidence, plan)
    assert findings == [], [f"{one.rule} {one.subject}: {one.words}" for one in findings[:20]]
    sold = evidence.books["orders"].values()
    assert len(sold) == plan.sold
    assert len(evidence.sold) == sum(1 for one in sold if one["messages_sent"]), "some platforms show what is paid only"
    assert all(evidence.kills.count(name) == 2 for name in VICTIMS)
    assert {order.status for order in evidence.orders} == {"completed", "closed"}
