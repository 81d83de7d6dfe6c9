"""Whole orders per second beside the skeleton's, in turns and in one process, and what one order costs."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from statistics import mean, median
from typing import Any, Protocol

from sqlalchemy import text
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle

from clients import memory
from domain.observations import ChannelStatus, ParcelState
from domain.orders import workflow_id
from store import settings_docs
from store.settings_docs import Profile
from tests.benchmarks import skeleton
from tests.benchmarks.machine import Servers, servers
from tests.benchmarks.skeleton import Bones
from tests.workflows.house import QUICK, House, order, report, shipment, track
from tests.workflows.test_plain_order import STAGES
from workers.apply import apply_forever
from workers.deliver import deliver_forever
from workers.settings import WorkerSettings
from workers.wiring import ACTIVITY_SLOTS, POLLERS

ROUNDS, ORDERS, WARM_UP = 3, 400, 40
OPEN = 80
"""Orders on their way at once; the first and the last so many of a round are carried and not counted."""
LOOK_SECONDS = 0.1
"""How often whoever carries orders looks how far they are; each look is a statement that no order needs."""
PATIENCE_SECONDS = 180
SHAPE = {
    EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED: "workflow_tasks",
    EventType.EVENT_TYPE_MARKER_RECORDED: "local_activities",
    EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED: "remote_activities",
    EventType.EVENT_TYPE_TIMER_STARTED: "timers",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED: "signals",
}
_STEPS = text("SELECT no, status, logistics_status FROM orders WHERE no = ANY(:nos)")
Shape = tuple[tuple[str, int], ...]
HandleOf = Callable[[str], WorkflowHandle[Any, Any]]


class Rider(Protocol):
    """A kind of order that can be carried through its life."""

    async def live(self, no: str, reach: "Reach") -> None: ...
    def at_work(self) -> AbstractAsyncContextManager[None]: ...
    async def steps(self, nos: list[str]) -> dict[str, str]: ...
    def handle(self, no: str) -> WorkflowHandle[Any, Any]: ...


Reach = Callable[[str, str], Awaitable[None]]


class Real:
    """Plain orders: six reports, twelve traces, from payment to completion, all through inbox, apply and deliver."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def live(self, no: str, reach: Reach) -> None:
        """Carry one order; what strangers say comes when the step before it is to be seen."""
        say = self._house.say
        await say(order(no, ChannelStatus.PAID))
        await reach(no, "pushed")
        for stage in STAGES:
            await say(report(no, stage))
        await say(shipment(no, f"SF-{no}"))
        await reach(no, "shipped")
        for scans in range(1, 12):
            await say(track(f"SF-{no}", ParcelState.IN_TRANSIT, scans))
        await say(track(f"SF-{no}", ParcelState.SIGNED, 12))
        await reach(no, "completed")

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Run as many loops as a worker process does, with its live polls."""
        house, settings = self._house, WorkerSettings()
        async with house.database.transaction() as tx:
            timing = replace(await settings_docs.timing(tx, Profile.LIVE), order=QUICK)
        loops = [apply_forever(house.database, house.ring, timing) for _ in range(settings.apply_tasks)]
        loops += [deliver_forever(house.client, house.database, timing) for _ in range(settings.deliver_tasks)]
        tasks = [asyncio.create_task(loop) for loop in loops]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    async def steps(self, nos: list[str]) -> dict[str, str]:
        """Say how far these orders are, with one statement for all."""
        async with self._house.database.transaction() as tx:
            rows = (await tx.execute(_STEPS, {"nos": nos})).all()
        return {row.no: row.logistics_status if row.status == "paid" else row.status for row in rows}

    def handle(self, no: str) -> WorkflowHandle[Any, Any]:
        """Give the workflow of an order."""
        return self._house.client.get_workflow_handle(workflow_id(f"own:s:{no}"))


class Bare:
    """Skeletons, told the same three events."""

    def __init__(self, client: Client, bones: Bones) -> None:
        self._client = client
        self._bones = bones

    async def live(self, no: str, reach: Reach) -> None:
        """Carry one skeleton."""
        for event, step in (("paid", "pushed"), ("shipped", "shipped"), ("signed", "completed")):
            await self._bones.tell(no, event)
            await reach(no, step)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Need no loops: what a skeleton is told goes straight to Temporal."""
        yield

    async def steps(self, nos: list[str]) -> dict[str, str]:
        """Say how far each skeleton is."""
        return skeleton.REACHED

    def handle(self, no: str) -> WorkflowHandle[Any, Any]:
        """Give the workflow of a skeleton."""
        return self._client.get_workflow_handle(f"skeleton:{no}")


@dataclass(frozen=True)
class Round:
    """One round of one kind."""

    nos: list[str]
    per_second: float
    cpu_ms: dict[str, float]
    whole: float
    """Orders per second over the whole round, its beginning and its end included."""


async def measure() -> dict[str, Any]:
    """Run both kinds in turns on servers of this run; refuse to compare kinds whose histories differ in shape."""
    memory.settle()  # as a worker process does
    async with servers() as hosts, _both(hosts) as (plain, bare):
        for rider in (plain, bare):
            await carry(hosts, rider, "W", WARM_UP)
        pairs = [
            (await carry(hosts, plain, f"R{n}-", ORDERS), await carry(hosts, bare, f"S{n}-", ORDERS))
            for n in range(ROUNDS)
        ]
        reals, bares = [one for one, _ in pairs], [one for _, one in pairs]
        shape, transitions, like = await shape_of(plain.handle, reals)
        bare_shape, _, _ = await shape_of(bare.handle, bares)
    if shape != bare_shape:
        raise AssertionError(f"the skeleton is none: an order has {dict(shape)}, the skeleton {dict(bare_shape)}")
    rate, bare_rate = (median(one.per_second for one in kind) for kind in (reals, bares))
    return {
        **dict(shape),
        "state_transitions": transitions,
        "same_shape_percent": like,
        "orders_per_second": round(rate, 1),
        "skeleton_orders_per_second": round(bare_rate, 1),
        "share_of_skeleton": round(median(one.per_second / bone.per_second for one, bone in pairs), 2),
        "rounds": [[round(one.per_second, 1) for one in pair] for pair in pairs],
        "cpu_ms": mean_cpu(reals),
        "skeleton_cpu_ms": mean_cpu(bares),
    }


@asynccontextmanager
async def _both(hosts: Servers) -> AsyncIterator[tuple[Real, Bare]]:
    """Run the worker of the orders and the skeleton's beside it; the one whose round it is not only polls."""
    settings = WorkerSettings()
    house = House(hosts.client, hosts.database, hosts.ring, patience_seconds=PATIENCE_SECONDS)
    bones = Bones(hosts.client, QUICK.settle_seconds, settings.deliver_tasks)
    options = {"max_concurrent_activities": ACTIVITY_SLOTS, "workflow_task_poller_behavior": POLLERS}
    async with (
        house.open(activity_task_poller_behavior=POLLERS, **options),
        skeleton.worker(hosts.client),
    ):
        for sku in ("TEE", "CAP"):
            await house.set_stock(sku, (ROUNDS * ORDERS + WARM_UP) * 3)
        yield Real(house), Bare(hosts.client, bones)


async def carry(hosts: Servers, rider: Rider, prefix: str, count: int) -> Round:
    """Carry so many orders, OPEN of them at once; count the steady middle by the moments of their completion."""
    nos = [f"{prefix}{n}" for n in range(count)]
    ends: list[float] = []
    waits: dict[str, tuple[str, asyncio.Event]] = {}
    places = asyncio.Semaphore(OPEN)

    async def reach(no: str, step: str) -> None:
        waits[no] = (step, asyncio.Event())
        await waits[no][1].wait()

    async def one(no: str) -> None:
        async with places:
            await rider.live(no, reach)
            ends.append(time.monotonic())

    before, began = hosts.cpu_ms(), time.monotonic()
    async with rider.at_work():
        watcher = asyncio.create_task(_watch(rider, waits))
        await asyncio.wait_for(asyncio.gather(*map(one, nos)), PATIENCE_SECONDS)
        watcher.cancel()
    used = {part: (ms - before[part]) / count for part, ms in hosts.cpu_ms().items()}
    return Round(nos, steady_rate(ends), used, count / (ends[-1] - began))


def steady_rate(ends: list[float]) -> float:
    """Give how many were completed per second in the steady middle, from the moments of their completion."""
    steady = ends[OPEN:-OPEN] or ends
    return (len(steady) - 1) / (steady[-1] - steady[0])


async def _watch(rider: Rider, waits: dict[str, tuple[str, asyncio.Event]]) -> None:
    """Wake whoever waits for a step that is reached."""
    while True:
        open_now = [no for no, (_, event) in waits.items() if not event.is_set()]
        reached = await rider.steps(open_now)
        for no in open_now:
            step, event = waits[no]
            if reached.get(no) == step:
                event.set()
        await asyncio.sleep(LOOK_SECONDS)


async def shape_of(handle_of: HandleOf, rounds: list[Round]) -> tuple[Shape, int, int]:
    """Give the shape that most histories of these rounds have, its state transitions, and how many of 100 have it."""
    seen: Counter[tuple[Shape, int]] = Counter()
    nos = [no for one in rounds for no in one.nos]
    for no in nos:
        handle = handle_of(no)
        await asyncio.wait_for(handle.result(), PATIENCE_SECONDS)
        history = await handle.fetch_history()
        counts = Counter(SHAPE[event.event_type] for event in history.events if event.event_type in SHAPE)
        info = (await handle.describe()).raw_description.workflow_execution_info
        shape = (("events", len(history.events)), *((name, counts[name]) for name in SHAPE.values()))
        seen[shape, info.state_transition_count] += 1
    (shape, transitions), many = seen.most_common(1)[0]
    return shape, transitions, round(100 * many / len(nos))


def mean_cpu(rounds: list[Round]) -> dict[str, float]:
    """Give the CPU per order of each part and of all together, in ms."""
    parts = {part: round(mean(one.cpu_ms[part] for one in rounds), 1) for part in rounds[0].cpu_ms}
    return parts | {"total": round(sum(parts.values()), 1)}
