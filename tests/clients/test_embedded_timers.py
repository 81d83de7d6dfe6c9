"""Timers of the embedded engine in a busy second: none of them is put aside as if the engine were stuck."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from clients.embedded import EmbeddedTemporal, Ports
from clients.temporal import NAMESPACE

WORKFLOWS, TIMERS = 20, 10


@workflow.defn
class Ticking:
    """A workflow that waits for TIMERS timers, each up to a tenth of a second."""

    @workflow.run
    async def run(self) -> int:
        for _ in range(TIMERS):
            await workflow.sleep(workflow.random().uniform(0.01, 0.1))
        return TIMERS


@dataclass
class Measured:
    """A server, and where its figures are read."""

    server: EmbeddedTemporal
    figures: str


@pytest.fixture
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Measured]:
    folder = tmp_path_factory.mktemp("ticking")
    ports = Ports(folder)
    port = ports.take("figures")
    server = EmbeddedTemporal(folder, ports, extra=("--metrics-port", str(port)))
    server.start()
    yield Measured(server, f"http://127.0.0.1:{port}/metrics")
    server.stop()


async def test_the_timers_of_a_busy_second_are_not_put_aside(measured: Measured) -> None:
    """INT-3, OPS-6: what is put aside waits for minutes under load (docs/scaling.md, "Timers")."""
    client = await Client.connect(measured.server.address, namespace=NAMESPACE)
    async with Worker(client, task_queue="q", workflows=[Ticking], workflow_runner=UnsandboxedWorkflowRunner()):
        ended = [client.execute_workflow(Ticking.run, id=f"t{n}", task_queue="q") for n in range(WORKFLOWS)]
        assert await asyncio.gather(*ended) == [TIMERS] * WORKFLOWS
    async with httpx.AsyncClient() as http:
        figures = (await http.get(measured.figures)).text.splitlines()
    timers = [one for one in figures if 'operation="TimerQueueProcessor"' in one]
    assert timers, "the server does not tell of its timers any more; this test has to look elsewhere"
    assert [one for one in timers if one.startswith("queue_actions")] == []
