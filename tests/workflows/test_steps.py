"""How a fact is tried: what was decided while it was tried is decided again when the story is read anew."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Replayer, Worker

from workers.wiring import sandbox
from workflows import steps
from workflows.steps import fact


@activity.defn
async def slow_at_home() -> str:
    """Answer when asked remotely only."""
    if activity.info().is_local:
        await asyncio.Event().wait()
    return "done"


@workflow.defn
class OneFact:
    """Knows one fact."""

    @workflow.run
    async def run(self) -> str:
        """Ask for it."""
        return await fact(slow_at_home)


async def test_a_fact_that_was_too_slow_locally_is_read_anew_without_a_difference(
    temporal: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OPS-1: a database step that took too long twice was carried out remotely; a worker that starts again knows so.

    The engine tells of the time-out in another shape when it is read than when it happens: orders of a full machine
    came to a standstill with the first worker that was killed.
    """
    monkeypatch.setattr(steps, "FACT_SECONDS", timedelta(seconds=0.4))
    runner = replace(sandbox(), restrictions=sandbox().restrictions.with_passthrough_modules("tests"))
    async with Worker(
        temporal, task_queue="steps", workflows=[OneFact], activities=[slow_at_home], workflow_runner=runner
    ):
        handle = await temporal.start_workflow(OneFact.run, id="one-fact", task_queue="steps")
        assert await handle.result() == "done"
    history = await handle.fetch_history()
    kinds = [event.WhichOneof("attributes") for event in history.events]
    assert "marker_recorded_event_attributes" in kinds
    assert "activity_task_scheduled_event_attributes" in kinds
    await Replayer(workflows=[OneFact], workflow_runner=runner).replay_workflow(history)
