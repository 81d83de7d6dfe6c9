"""Records histories of all that is no order: `python -m tests.replay.record_processes [STORY ...]`. Ids only."""

import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path

from temporalio.client import Client
from temporalio.worker import Worker

from activities.completeness import LedgerActivities
from activities.stock_audit import AuditActivities
from clients.clock import utc_now
from clients.embedded import EmbeddedPostgres, EmbeddedTemporal, Ports
from clients.temporal import NAMESPACE, SHOPS_QUEUE
from clients.temporal_audit import OrderEngine
from clients.temporal_cases import decide_case
from clients.temporal_stock import approval_id, count_now, decide_approval, ensure_approval
from domain.after_sales import CaseDecision, CaseKind, Choice, workflow_id
from domain.approvals import Verdict
from domain.completeness import DAY, HOUR, Mark, RollSource, Span
from domain.counting import CountStart
from domain.pulling import RollRules
from domain.tickets import TicketChoice
from domain.timing import RollTiming
from store import migrations, settings_docs
from store.database import Database
from store.keyring import create_keyring
from store.stock_audit import SqlStockAudit
from tests.conftest import NOON
from tests.faults import Faults, When
from tests.replay.record import HISTORIES, PERSONAL, fingerprint
from tests.rolls import FakeLedger, FakePlatform
from tests.workflows.service import ServiceHouse, compress
from tests.workflows.test_counting import asked, warehouse, worker
from workers.wiring import memory, sandbox, steps_of
from workflows.after_sales import AfterSalesWorkflow
from workflows.approval import ApprovalWorkflow
from workflows.completeness import CompletenessWorkflow, Reconcile, ReconcileWorkflow
from workflows.count import CountWorkflow
from workflows.exceptions import ExceptionWorkflow, TicketWorkflow
from workflows.labels import LabelWorkflow
from workflows.stock_audit import AuditWorkflow

PROCESSES = HISTORIES / "processes"


async def case_paid_after_a_return(house: ServiceHouse) -> str:
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


async def case_refused(house: ServiceHouse) -> str:
    async with house.worker():
        await house.bought("RP2", delivered=True)
        case = await house.open_case("RP2", CaseKind.COMPENSATION, "late", wanted_minor=5000, units={})
        await house.case_until(case, state="review")
        await decide_case(house.client, case, CaseDecision(Choice.REFUSE, "alice", "no fault"), f"r-{case}")
        await house.case_ended(case, "refused")
    return workflow_id(case)


async def exception_that_climbs(house: ServiceHouse) -> str:
    async with house.worker():
        await compress(house.database, "exception", "open", 0.2, 0.4)
        no = await house.complain("RP3")
        await house.wake()
        await house.heard_so_often(no, 3)
        await house.close_exception(no)
        await house.client.get_workflow_handle(f"exception:{no}").result()
    return f"exception:{no}"


async def ticket_that_is_answered(house: ServiceHouse) -> str:
    async with house.worker():
        await compress(house.database, "ticket", "first_answer", 0.2)
        no = await house.remind("RP4")
        await house.wake()
        await house.heard_so_often(no, 1)
        await house.about_ticket(no, TicketChoice.ANSWER, "soon")
        await house.about_ticket(no, TicketChoice.CLOSE)
        await house.client.get_workflow_handle(f"ticket:{no}").result()
    return f"ticket:{no}"


async def label_that_is_read(house: ServiceHouse) -> str:
    async with house.worker(), house.readers():
        _, photo = await house.returning_with_label("RP5")
        await house.client.get_workflow_handle(f"label:{photo}").result()
    return f"label:{photo}"


async def label_that_nobody_can_read(house: ServiceHouse) -> str:
    house.faults = Faults("read", When.BEFORE, 3)
    async with house.worker(), house.readers():
        _, photo = await house.returning_with_label("RP6")
        await house.client.get_workflow_handle(f"label:{photo}").result()
    house.faults = Faults()
    return f"label:{photo}"


async def approval_given(house: ServiceHouse) -> str:
    start = await asked(house.database)
    async with worker(house.client, house.database):
        await ensure_approval(house.client, start)
        assert await decide_approval(house.client, start.no, Verdict("bob", True), f"a-{start.no}") == "approved"
        await house.client.get_workflow_handle(approval_id(start.no)).result()
    return approval_id(start.no)


async def count_that_differs(house: ServiceHouse) -> str:
    async with worker(house.client, house.database, warehouse({"TEE": 9, "CAP": 10}, {"TEE": 9, "CAP": 10})):
        await count_now(house.client, CountStart("GZ01", "alice", 0.05), 60)
    return "count:GZ01:now"


async def audit_of_stock(house: ServiceHouse) -> str:
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


LEDGER = RollSource("own", "s", RollRules(86_400), RollTiming(heal_seconds=0.6))
HOUR_SPAN = Span(HOUR, NOON, NOON + timedelta(hours=1))


async def ledger_of_a_shop(house: ServiceHouse) -> str:
    books = FakeLedger([HOUR_SPAN, Span(DAY, NOON, NOON + timedelta(days=1))], [Mark.HEALING])
    async with _ledger_worker(house, books):
        await house.client.execute_workflow(CompletenessWorkflow.run, LEDGER, id="ledger:own:s", task_queue=SHOPS_QUEUE)
    return "ledger:own:s"


async def window_reconciled(house: ServiceHouse) -> str:
    async with _ledger_worker(house, FakeLedger(marks=[Mark.HEALING, Mark.HEALED])):
        wish = Reconcile(LEDGER, (HOUR_SPAN,))
        await house.client.execute_workflow(ReconcileWorkflow.run, wish, id="reconcile:own:s", task_queue=SHOPS_QUEUE)
    return "reconcile:own:s"


def _ledger_worker(house: ServiceHouse, books: FakeLedger) -> Worker:
    return Worker(
        house.client,
        task_queue=SHOPS_QUEUE,
        workflows=[CompletenessWorkflow, ReconcileWorkflow],
        activities=steps_of(LedgerActivities(books, FakePlatform(), utc_now)),
        workflow_runner=sandbox(),
        **memory(50),
    )


STORIES: dict[Callable[[ServiceHouse], Awaitable[str]], type] = {
    case_paid_after_a_return: AfterSalesWorkflow,
    case_refused: AfterSalesWorkflow,
    exception_that_climbs: ExceptionWorkflow,
    ticket_that_is_answered: TicketWorkflow,
    label_that_is_read: LabelWorkflow,
    label_that_nobody_can_read: LabelWorkflow,
    approval_given: ApprovalWorkflow,
    count_that_differs: CountWorkflow,
    audit_of_stock: AuditWorkflow,
    ledger_of_a_shop: CompletenessWorkflow,
    window_reconciled: ReconcileWorkflow,
}


async def record(house: ServiceHouse, folder: Path, wanted: Sequence[str] = ()) -> None:
    """Live every story once, or those wanted, and write their histories and fingerprints; writes no personal data."""
    await house.furnish()
    for name, story in ((getattr(one, "__name__", ""), one) for one in STORIES):
        if wanted and name not in wanted:
            continue
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
            await record(
                ServiceHouse(client, database, create_keyring(folder / "keyring.json")), PROCESSES, sys.argv[1:]
            )
        finally:
            await database.close()
            temporal.stop()
            postgres.stop()


if __name__ == "__main__":
    asyncio.run(main())
