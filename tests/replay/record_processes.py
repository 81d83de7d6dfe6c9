"""Records histories of cases, approvals, counts and audits: `python -m tests.replay.record_processes`. Ids only."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path

from temporalio.client import Client
from temporalio.worker import Worker

from activities.stock_audit import AuditActivities
from clients.clock import utc_now
from clients.embedded import EmbeddedPostgres, EmbeddedTemporal, Ports
from clients.temporal import NAMESPACE, SHOPS_QUEUE
from clients.temporal_audit import OrderEngine
from clients.temporal_cases import decide_case
from clients.temporal_stock import approval_id, count_now, decide_approval, ensure_approval
from domain.after_sales import CaseDecision, CaseKind, Choice, workflow_id
from domain.approvals import Verdict
from domain.counting import CountStart
from store import migrations, settings_docs
from store.database import Database
from store.keyring import create_keyring
from store.stock_audit import SqlStockAudit
from tests.replay.record import HISTORIES, PERSONAL, fingerprint
from tests.workflows.cases import CaseHouse
from tests.workflows.test_counting import asked, warehouse, worker
from workers.wiring import memory, sandbox, steps_of
from workflows.after_sales import AfterSalesWorkflow
from workflows.approval import ApprovalWorkflow
from workflows.count import CountWorkflow
from workflows.stock_audit import AuditWorkflow

PROCESSES = HISTORIES / "processes"


async def case_paid_after_a_return(house: CaseHouse) -> str:
    async with house.worker():
        await house.bought("RP1", delivered=True)
        case = await house.open_case("RP1", CaseKind.RETURN)
        await house.case_until(case, state="returning")
        waybill = CaseDecision(Choice.WAYBILL, "buyer", waybill_no="SF9")
        await decide_case(house.client, case, waybill, f"w-{case}")
        await house.case_until(case, state="in_transit")
        await house.came_back(case)
        await house.case_ended(case)
    return workflow_id(case)


async def case_refused(house: CaseHouse) -> str:
    async with house.worker():
        await house.bought("RP2", delivered=True)
        case = await house.open_case("RP2", CaseKind.COMPENSATION, "late", wanted_minor=5000, units={})
        await house.case_until(case, state="review")
        await decide_case(house.client, case, CaseDecision(Choice.REFUSE, "alice", "no fault"), f"r-{case}")
        await house.case_ended(case, "refused")
    return workflow_id(case)


async def approval_given(house: CaseHouse) -> str:
    start = await asked(house.database)
    async with worker(house.client, house.database):
        await ensure_approval(house.client, start)
        assert await decide_approval(house.client, start.no, Verdict("bob", True), f"a-{start.no}") == "approved"
        await house.client.get_workflow_handle(approval_id(start.no)).result()
    return approval_id(start.no)


async def count_that_differs(house: CaseHouse) -> str:
    async with worker(house.client, house.database, warehouse({"TEE": 9, "CAP": 10}, {"TEE": 9, "CAP": 10})):
        await count_now(house.client, CountStart("GZ01", "alice", 0.05), 60)
    return "count:GZ01:now"


async def audit_of_stock(house: CaseHouse) -> str:
    def running() -> AbstractAsyncContextManager[Worker]:
        return Worker(
            house.client,
            task_queue=SHOPS_QUEUE,
            workflows=[AuditWorkflow],
            activities=steps_of(AuditActivities(SqlStockAudit(house.database), OrderEngine(house.client))),
            workflow_runner=sandbox(),
            **memory(50),
        )

    async with running():
        await house.client.execute_workflow(
            AuditWorkflow.run, 1.0, id="audit:recorded", task_queue=SHOPS_QUEUE, run_timeout=timedelta(minutes=1)
        )
    return "audit:recorded"


STORIES: dict[Callable[[CaseHouse], Awaitable[str]], type] = {
    case_paid_after_a_return: AfterSalesWorkflow,
    case_refused: AfterSalesWorkflow,
    approval_given: ApprovalWorkflow,
    count_that_differs: CountWorkflow,
    audit_of_stock: AuditWorkflow,
}


async def record(house: CaseHouse, folder: Path) -> None:
    """Live every story once and write its history and its fingerprint; refuses to write personal data."""
    await house.furnish()
    for story in STORIES:
        name = getattr(story, "__name__", "")
        history = await house.client.get_workflow_handle(await story(house)).fetch_history()
        words = history.to_json()
        if any(secret in words for secret in PERSONAL):
            raise AssertionError(f"the history of {name} names a person")
        (folder / f"{name}.json").write_text(words + "\n")
        (folder / f"{name}.commands").write_text(fingerprint(history))


async def main() -> None:
    """Start both servers in a folder of their own, record, stop them."""
    PROCESSES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        postgres, temporal = EmbeddedPostgres(folder, Ports(folder), False), EmbeddedTemporal(folder, Ports(folder))
        database = Database(postgres.start())
        try:
            client = await Client.connect(temporal.start(), namespace=NAMESPACE)
            await migrations.upgrade(database)
            async with database.transaction() as tx:
                await settings_docs.seed(tx, utc_now())
            await record(CaseHouse(client, database, create_keyring(folder / "keyring.json")), PROCESSES)
        finally:
            await database.close()
            temporal.stop()
            postgres.stop()


if __name__ == "__main__":
    asyncio.run(main())
