"""A count as a workflow, and an approval that nobody decides for days (INV-10)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.approvals import ApprovalActivities
from activities.counts import CountActivities
from clients.clock import utc_now
from clients.temporal import SHOPS_QUEUE
from clients.temporal_stock import approval_id, count_now, decide_approval, ensure_approval
from domain.approvals import ApprovalStart, Verdict
from domain.counting import Answer, Counted, CountStart, Grade
from domain.errors import Refused, Unavailable
from store import approvals
from store.approval_effects import SqlApprovals
from store.approvals import NewApproval
from store.counts import SqlCounts
from store.database import Database
from store.keyring import KeyRing
from store.settings_docs import Profile
from tests.store.builders import assert_counters_add_up
from tests.workflows.house import FakeVendors, FakeWarehouse, House, eventually
from workers.upkeep import Upkeep
from workers.wiring import memory, sandbox, steps_of
from workflows.approval import ApprovalWorkflow
from workflows.count import CountWorkflow

NAMES = count(1)
DAY = 86400.0


class Counting(FakeWarehouse):
    """A warehouse whose stock is asked for; it fails as it is told, and its answers may change."""

    answers: list[dict[str, int]]
    asked: int = 0

    async def stock(self, warehouse: str, skus: Any) -> Answer:
        if self.failures:
            raise self.failures.pop(0)
        told = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        return {(sku, Grade.GOOD): Counted(told[sku]) for sku in skus if sku in told}


def warehouse(*answers: dict[str, int]) -> Counting:
    made = Counting()
    made.answers = list(answers)
    return made


@asynccontextmanager
async def worker(client: Client, database: Database, there: Counting | None = None) -> AsyncIterator[None]:
    counts = CountActivities(SqlCounts(database, Profile.LIVE), FakeVendors(there or warehouse({})), utc_now)
    async with Worker(
        client,
        task_queue=SHOPS_QUEUE,
        workflows=[CountWorkflow, ApprovalWorkflow],
        activities=[*steps_of(counts), *steps_of(ApprovalActivities(SqlApprovals(database)))],
        workflow_runner=sandbox(),
        **memory(50),
    ):
        yield


async def test_a_count_is_made_again_before_a_difference_is_believed(
    temporal: Client, database: Database, ring: KeyRing
) -> None:
    house = House(temporal, database, ring)
    await house.furnish()
    there = warehouse({"TEE": 7, "CAP": 7}, {"TEE": 7, "CAP": 10})
    there.failures = [Unavailable("HTTP 503", 0.05)]
    async with worker(temporal, database, there):
        outcome = await count_now(temporal, CountStart("GZ01", "alice", 0.05), 60)
    assert outcome is not None
    assert (outcome.agreed, outcome.differing, outcome.failed) == (1, 1, "")
    (row,) = await house.query("SELECT on_hand FROM sku_stock WHERE sku = 'TEE'")
    assert row.on_hand == 7
    await assert_counters_add_up(database)


async def test_a_warehouse_that_does_not_answer_such_questions_fails_the_count_and_is_told(
    temporal: Client, database: Database, ring: KeyRing
) -> None:
    house = House(temporal, database, ring)
    await house.furnish()
    there = warehouse({})
    there.failures = [Refused("isv.invalid-method", "the method is not offered")]
    async with worker(temporal, database, there):
        outcome = await count_now(temporal, CountStart("GZ01", "alice", 0.05), 60)
    assert outcome is not None
    assert "not offered" in outcome.failed
    (told,) = await house.query("SELECT kind, subject FROM alert")
    assert tuple(told) == ("count_failed", "GZ01")


async def asked(database: Database) -> ApprovalStart:
    new = NewApproval("export", f"all-{next(NAMES)}", "alice", "export of all orders")
    async with database.transaction() as tx:
        # Tests share one server, which remembers numbers of the tests before: each has one of its own.
        await tx.exec_driver_sql(
            f"INSERT INTO number_series VALUES ('A', '{utc_now():%y%m%d}', {next(NAMES) * 100})"  # noqa: S608
            " ON CONFLICT (series, day) DO UPDATE SET last = excluded.last"
        )
        no = await approvals.ask(tx, new, utc_now())
    return ApprovalStart(no, "alice", utc_now(), DAY / 6, DAY)


async def test_upkeep_starts_the_workflow_of_an_approval_and_a_withdrawn_one_is_refused(
    temporal: Client, database: Database, ring: KeyRing
) -> None:
    start = await asked(database)
    async with worker(temporal, database):
        await Upkeep(temporal, database, Profile.LIVE).round(utc_now())
        async with database.transaction() as tx:
            assert await approvals.unstarted(tx, 10) == []
            await approvals.withdraw(tx, start.no, "alice", "not needed", utc_now())
        assert await decide_approval(temporal, start.no, Verdict("bob", True), "n") == "it is withdrawn already"
        assert await temporal.get_workflow_handle(approval_id(start.no)).result() == "withdrawn"


async def test_an_approval_reminds_escalates_and_still_takes_a_decision_days_later(
    skipping: WorkflowEnvironment, database: Database
) -> None:
    start = await asked(database)

    async def alerts() -> list[str]:
        async with database.transaction() as tx:
            found = await tx.exec_driver_sql("SELECT kind FROM alert WHERE cleared_at IS NULL ORDER BY kind")
            return list(found.scalars())

    async def told(*kinds: str) -> bool:
        return await alerts() == sorted(kinds)

    async with worker(skipping.client, database):
        await ensure_approval(skipping.client, start)
        handle = skipping.client.get_workflow_handle(approval_id(start.no))
        await skipping.fast_forward(handle, timedelta(hours=5))
        await eventually(lambda: told("approval_waiting"), alerts)
        await skipping.fast_forward(handle, timedelta(hours=21))
        await eventually(lambda: told("approval_late", "approval_waiting"), alerts)
        await skipping.fast_forward(handle, timedelta(days=3))
        assert await decide_approval(skipping.client, start.no, Verdict("bob", True), "n1") == "approved"
        assert await handle.result() == "approved"
        assert await alerts() == []
        with pytest.raises(Refused, match="decided or withdrawn already"):
            await decide_approval(skipping.client, start.no, Verdict("carol", True), "n2")
