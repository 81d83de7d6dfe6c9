"""A schedule audits stock: drift is set right at the second look, an order without a workflow is told (INV-2)."""

import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.worker import Worker

from activities.stock_audit import AuditActivities
from clients.clock import utc_now
from clients.temporal import SHOPS_QUEUE
from clients.temporal_audit import AUDIT_SCHEDULE, OrderEngine, ensure_audit
from domain.observations import ChannelStatus
from domain.orders import workflow_id
from store.database import Database
from store.keyring import KeyRing
from store.stock_audit import SqlStockAudit
from tests.store.builders import (
    apply,
    assert_counters_add_up,
    change,
    counters,
    key,
    order,
    rows,
    stocked,
    value,
)
from tests.workflows.house import eventually
from workers.settings import WorkerSettings
from workers.wiring import memory, sandbox, steps_of
from workflows.stock_audit import AuditWorkflow


@contextlib.asynccontextmanager
async def audited(client: Client, database: Database) -> AsyncIterator[None]:
    """Run a worker and the schedule, a look each second; the schedule ends with the test."""
    worker = Worker(
        client,
        task_queue=SHOPS_QUEUE,
        workflows=[AuditWorkflow],
        activities=steps_of(AuditActivities(SqlStockAudit(database), OrderEngine(client))),
        workflow_runner=sandbox(),
        **memory(WorkerSettings().workflow_cache),
    )
    async with worker:
        await ensure_audit(client, 1)
        await ensure_audit(client, 1)  # every worker process does
        try:
            yield
        finally:
            await client.get_schedule_handle(AUDIT_SCHEDULE).delete()


@pytest.fixture
async def running(temporal: Client) -> AsyncIterator[str]:
    """An order's workflow that runs, though nobody works on it."""
    handle = await temporal.start_workflow("OrderWorkflow", id=workflow_id(key("T2")), task_queue="nobody")
    yield key("T2")
    with contextlib.suppress(RPCError):
        await handle.terminate()


async def test_the_engine_knows_which_orders_have_a_workflow_that_runs(temporal: Client, running: str) -> None:
    engine = OrderEngine(temporal)
    assert await engine.runs(running)
    assert not await engine.runs(key("never"))
    await temporal.get_workflow_handle(workflow_id(running)).terminate()
    assert not await engine.runs(running)


async def test_the_running_audit_repairs_drift_and_frees_the_stock_of_an_order_that_nobody_carries(
    temporal: Client, database: Database, ring: KeyRing, running: str
) -> None:
    await stocked(database, ring, A=9)
    for n, no in enumerate(("T1", "T2"), 1):
        await apply(database, ring, order(no, ChannelStatus.UNPAID, skus={"A": 2}), n)
    await change(database, "UPDATE delivery SET delivered_at = :now", now=utc_now())
    await change(database, "UPDATE orders SET started_at = :now", now=utc_now())
    await change(database, "UPDATE reservation SET expires_at = :then", then=utc_now() - timedelta(days=1))
    await change(database, "UPDATE sku_stock SET reserved = 5")

    async def mended() -> bool:
        return await counters(database) == (9, 2, 0)

    async with audited(temporal, database):
        await eventually(mended, lambda: counters(database))
        looks = "SELECT sum(repaired) FROM stock_audit"
        await eventually(lambda: _is(database, looks, 1), lambda: rows(database, looks))
    await assert_counters_add_up(database)
    held = await rows(database, "SELECT order_key FROM reservation WHERE state = 'open'")
    assert [row.order_key for row in held] == [running]
    told = await rows(database, "SELECT kind, subject, level FROM alert ORDER BY kind")
    assert [tuple(row) for row in told] == [
        ("stock_drift", "A", "1-critical"),
        ("workflow_lost", key("T1"), "1-critical"),
    ]
    assert await value(database, "SELECT min(checked) FROM stock_audit") == 1


async def _is(database: Database, statement: str, wanted: int) -> bool:
    return bool(await value(database, statement) == wanted)
