"""Whole orders per second with everything there is: gateway, worker and simulator as processes, over the real wires.

A calm world of one own shop, one warehouse and one courier; rounds of it alternate with rounds of the skeleton on the
same servers. The processes end before a round of the skeleton, so that nothing polls beside it. A rate counts from the
first buyer to the last completion, for both: orders that began at once are completed in bunches, so that the middle of
a round says too much.
"""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from sqlalchemy import text
from temporalio.client import WorkflowHandle

from clients.cli.demo_facts import DemoPlan
from clients.cli.demo_setup import Sides, connect, sides, stock_up, write_config
from clients.clock import utc_now
from clients.embedded import free_port
from domain.orders import workflow_id
from store import settings_docs
from store.settings_versions import Change, SettingVersions
from tests.benchmarks import skeleton
from tests.benchmarks.machine import Servers, get, post, process, process_ms, ready, servers
from tests.benchmarks.orders import OPEN, Bare, Round, Shape, carry, mean_cpu, shape_of
from tests.benchmarks.skeleton import Bones
from tests.workflows.house import QUICK, eventually
from workers.settings import WorkerSettings

ROUNDS, ORDERS, WARM_UP = 3, 240, 40
ALL_AT_ONCE = 1000.0
"""Buyers a second: as many as may be on their way come at once, then each time that a parcel arrives another one."""
PATIENCE_SECONDS = 150.0
CALM = {"unpaid_first": 0.0, "case_share": 0.0}
"""Every buyer pays at once and keeps the goods, as in the other measure: the skeleton is one of plain orders."""
KEPT = {"drain_longest_seconds": {"live": 60, "demo": 60}}
"""What a drain without a worker needs: rounds end their worker."""
_OPEN = text(
    """
    SELECT o.no, o.status, o.wait_for, o.stuck_reason, p.waybill_no, p.state, f.state, f.sent_at, f.pushed_at
    FROM orders o LEFT JOIN parcel p ON p.order_key = o.key LEFT JOIN fulfillment f ON f.order_key = o.key
    WHERE o.no LIKE :mine AND o.completed_at IS NULL ORDER BY o.no LIMIT 10
    """
)
_NEW = text("SELECT no, completed_at FROM orders WHERE no LIKE :mine")


@dataclass(frozen=True)
class Day:
    """One round's world: its accounts with its seed, where both sides listen, how many buyers come."""

    both: Sides
    count: int
    simulator_port: int
    gateway_port: int

    def config(self) -> dict[str, Any]:
        """Write the simulator's configuration."""
        config = self.both.config(self.simulator_port, f"http://127.0.0.1:{self.gateway_port}")
        pace = {"count": self.count, "per_second": ALL_AT_ONCE, "at_once": OPEN, "file": None}
        return config | {"orders": pace, "pay": None, "profile": config["profile"] | CALM}

    @property
    def simulator(self) -> str:
        """Give the simulator's address."""
        return f"http://127.0.0.1:{self.simulator_port}"


async def _settle_timing(hosts: Servers) -> None:
    """Put a timing in force that is an installation's; only an order waits as the other measure's orders do."""
    body = json.loads((settings_docs.DEFAULTS / "timing.json").read_text())
    waits = {name: value | {"live": getattr(QUICK, name)} for name, value in body.items() if name in QUICK.__slots__}
    change = Change("bench", "measures of whole orders", utc_now(), 1)
    await SettingVersions(hosts.database).activate("timing", body | waits | KEPT, change)


async def measure() -> dict[str, Any]:
    """Run both in turns; give the rates, the share of the skeleton, and CPU per order of every part."""
    async with servers() as hosts:
        await _settle_timing(hosts)
        accounts = replace(sides(DemoPlan(1, ORDERS, calm=True)), accounts=[])
        ports = free_port(), free_port()
        days = [
            Day(replace(accounts, plan=replace(accounts.plan, seed=seed)), count, *ports)
            for seed, count in enumerate([WARM_UP] + [ORDERS] * ROUNDS, 1)
        ]
        bare = Bare(hosts.client, Bones(hosts.client, QUICK.settle_seconds, WorkerSettings().deliver_tasks))
        pairs = [(await _round(hosts, day), await _bare_round(hosts, bare, day)) for day in days][1:]
        reals, bares = [one for one, _ in pairs], [one for _, one in pairs]
        shape, _, like = await shape_of(lambda no: _handle(hosts, no), reals)
        bare_shape, _, _ = await shape_of(bare.handle, bares)
    if _work(shape) != _work(bare_shape):
        raise AssertionError(f"the skeleton is none: an order has {dict(shape)}, the skeleton {dict(bare_shape)}")
    return {
        "orders_per_second_full": round(median(one.whole for one in reals), 1),
        "share_full": round(median(one.whole / bone.whole for one, bone in pairs), 2),
        "rounds_full": [[round(one.whole, 1) for one in pair] for pair in pairs],
        "most_common_shape_percent_full": like,
        "cpu_ms_full": mean_cpu(reals),
        "skeleton_cpu_ms_full": mean_cpu(bares),
    }


def _work(shape: Shape) -> dict[str, int]:
    """Give the counts that must be equal; tasks and timers depend on what comes while the order is at work."""
    return {name: n for name, n in shape if name in ("local_activities", "remote_activities", "signals")}


def _handle(hosts: Servers, no: str) -> WorkflowHandle[Any, Any]:
    return hosts.client.get_workflow_handle(workflow_id(f"own:demo:{no}"))


async def _bare_round(hosts: Servers, bare: Bare, day: Day) -> Round:
    async with skeleton.worker(hosts.client):
        return await carry(hosts, bare, f"F{day.both.plan.seed}-", day.count)


async def _round(hosts: Servers, day: Day) -> Round:
    """Start the processes, let the buyers in, wait for the last completion, end the processes."""
    async with _world(hosts, day) as pids:
        before, began = _cpu(hosts, pids), utc_now().timestamp()
        await post(f"{day.simulator}/sim/start")
        ends = await _completions(hosts, day)
        used = {part: (ms - before[part]) / day.count for part, ms in _cpu(hosts, pids).items()}
        books = (await get(f"{day.simulator}/sim/books"))["orders"]
    if sorted(books) != sorted(ends):
        raise AssertionError(f"the shop has {len(books)} orders and {len(ends)} of them were completed")
    rate = day.count / (max(ends.values()) - began)
    return Round(sorted(ends), rate, used, rate)


def _cpu(hosts: Servers, pids: dict[str, int]) -> dict[str, float]:
    """Say what each process has used; this one only looks whether all are completed."""
    spent = hosts.cpu_ms()
    return {"bench": spent.pop("worker")} | spent | {name: process_ms(pid) for name, pid in pids.items()}


async def _completions(hosts: Servers, day: Day) -> dict[str, float]:
    """Wait until every order of the day is completed; give the moments."""
    ends: dict[str, float] = {}

    async def all_completed() -> bool:
        async with hosts.database.transaction() as tx:
            rows = (await tx.execute(_NEW, {"mine": f"D{day.both.plan.seed:06d}%"})).all()
        ends.update({row.no: row.completed_at.timestamp() for row in rows if row.completed_at})
        return len(ends) == day.count

    async def show() -> str:
        async with hosts.database.transaction() as tx:
            rows = (await tx.execute(_OPEN, {"mine": f"D{day.both.plan.seed:06d}%"})).all()
        return f"{len(ends)} of {day.count} completed; {', '.join(str(tuple(row)) for row in rows)}"

    await eventually(all_completed, show, look_seconds=0.5, patience_seconds=PATIENCE_SECONDS)
    return ends


@asynccontextmanager
async def _world(hosts: Servers, day: Day) -> AsyncIterator[dict[str, int]]:
    """Run gateway, worker and simulator, connected and stocked; give their process ids."""
    path, log = hosts.folder / "simulator.json", hosts.folder / "full.log"
    write_config(path, day.config())
    environment = hosts.environment(OMS_GATEWAY_PORT=str(day.gateway_port))
    gateway = f"http://127.0.0.1:{day.gateway_port}"
    async with AsyncExitStack() as stack:
        simulator = await stack.enter_async_context(process("simulator", environment, log, "--config", str(path)))
        await ready(f"{day.simulator}/sim/health")
        if day.count == WARM_UP:
            await connect(day.both, environment, day.simulator, gateway)
        parts = ("catalogue", "bundles", "listings")
        await stock_up(environment, {part: await get(f"{day.simulator}/sim/{part}") for part in parts})
        pids = {
            name: await stack.enter_async_context(process(module, environment, log))
            for name, module in (("gateway", "clients.gateway"), ("worker", "workers.main"))
        }
        await ready(f"{gateway}/readyz")
        yield pids | {"simulator": simulator}
