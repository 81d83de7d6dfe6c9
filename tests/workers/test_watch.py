"""The watch on a real engine and a real database: it tells, it clears, and it says so itself when it cannot look."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from clients import task_queues
from clients.clock import utc_now
from clients.embedded import EmbeddedTemporal, Ports
from clients.temporal import NAMESPACE, ORDERS_QUEUE
from domain.errors import Unavailable
from store.database import Database
from store.settings_docs import Profile
from tests.store.builders import change, rows
from tests.workflows.house import eventually
from workers.engine import Oversize
from workers.watch import Watch

AT_ONCE = "system.numConsecutiveWorkflowTaskProblemsToTriggerSearchAttribute=1"
"""The server marks a workflow after five failures in a row by default; here after the first."""


@workflow.defn
class Faulty:
    """A workflow whose own code fails."""

    @workflow.run
    async def run(self) -> None:
        raise RuntimeError("a bug")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedTemporal]:
    folder = tmp_path_factory.mktemp("watched")
    started = EmbeddedTemporal(folder, Ports(folder), extra=("--dynamic-config-value", AT_ONCE))
    started.start()
    yield started
    started.stop()


@pytest.fixture
async def client(server: EmbeddedTemporal) -> Client:
    return await Client.connect(server.address, namespace=NAMESPACE)


async def told(database: Database) -> set[tuple[str, str]]:
    found = await rows(database, "SELECT kind, subject FROM alert WHERE cleared_at IS NULL")
    return {(row.kind, row.subject) for row in found}


async def test_a_queue_without_pollers_and_failing_code_are_alerts_that_end_by_themselves(
    client: Client, database: Database
) -> None:
    watch = Watch(client, database, Profile.DEMO, Oversize())
    await watch.look(utc_now())
    idle = {("no_pollers", "queue:orders"), ("no_pollers", "queue:shops")}
    assert await told(database) == idle
    assert watch.unfit(utc_now()) == ["does not poll orders", "does not poll shops"]

    async def failing() -> bool:
        await watch.look(utc_now())
        return ("workflow_task_failures", "temporal") in await told(database)

    async def well() -> bool:
        return not await failing()

    handle = await client.start_workflow("Faulty", id="faulty", task_queue=ORDERS_QUEUE)
    async with Worker(client, task_queue=ORDERS_QUEUE, workflows=[Faulty], workflow_runner=UnsandboxedWorkflowRunner()):
        await eventually(failing, lambda: told(database))
        await handle.terminate()
        await eventually(well, lambda: told(database))
    assert await told(database) == idle


async def test_a_limit_of_the_alerts_document_counts_at_the_next_look(client: Client, database: Database) -> None:
    watch = Watch(client, database, Profile.LIVE, Oversize())
    await watch.look(utc_now())
    longer = "UPDATE setting SET body = jsonb_set(body, '{watch_seconds,live}', '600') WHERE kind = 'alerts'"
    await change(database, longer)
    later = utc_now() + timedelta(seconds=300)
    assert watch.unfit(later) == [f"the last look is {watch.age_seconds(later):.0f} s old"]
    await watch.look(utc_now())
    assert watch.unfit(later) == ["does not poll orders", "does not poll shops"]


async def test_without_a_database_the_watch_goes_on_and_says_why_it_is_not_fit(client: Client) -> None:
    away = Database("postgresql://nobody@127.0.0.1:1/nothing", pool=1)
    watch = Watch(client, away, Profile.LIVE, Oversize())
    assert watch.unfit(utc_now()) == ["has not looked yet"]
    await watch.look(utc_now())
    (reason,) = watch.unfit(utc_now())
    assert reason.startswith("database: ")
    assert watch.figures.engine is not None
    await away.close()


async def test_an_engine_that_does_not_answer_is_unavailable(server: EmbeddedTemporal, client: Client) -> None:
    elsewhere = await Client.connect(server.address, namespace="nowhere")
    with pytest.raises(Unavailable, match="Temporal: "):
        await task_queues.figures(elsewhere)
