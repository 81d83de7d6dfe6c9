"""Recorded histories replay on the code of today, and the commands they hold are the ones that were agreed on."""

from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from tests.replay.record import HISTORIES, PERSONAL, STORIES, fingerprint
from tests.replay.record_processes import PROCESSES
from tests.replay.record_processes import STORIES as RECORDED
from workers.wiring import sandbox
from workflows.orders import OrderWorkflow

FILES = sorted(HISTORIES.glob("*.json"))
PROCESS_FILES = sorted(PROCESSES.glob("*.json"))
PROCESS_STORIES = {getattr(story, "__name__", ""): lives for story, lives in RECORDED.items()}


def recorded(file: Path) -> WorkflowHistory:
    return WorkflowHistory.from_json(f"order:own:s:R-{file.stem}", file.read_text())


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.stem))
async def test_a_recorded_order_replays_without_a_difference(file: Path) -> None:
    replayer = Replayer(workflows=[OrderWorkflow], workflow_runner=sandbox())
    await replayer.replay_workflow(recorded(file))


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.stem))
def test_the_commands_of_a_recorded_order_are_the_agreed_ones(file: Path) -> None:
    assert fingerprint(recorded(file)) == file.with_suffix(".commands").read_text()


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.stem))
def test_a_recorded_history_names_nobody(file: Path) -> None:
    words = file.read_text()
    assert not [secret for secret in PERSONAL if secret in words]


def test_every_story_is_recorded() -> None:
    assert {file.stem for file in FILES} == {story.__name__ for story in STORIES}
    assert {file.stem for file in PROCESS_FILES} == set(PROCESS_STORIES)


@pytest.mark.parametrize("file", PROCESS_FILES, ids=lambda file: str(file.stem))
async def test_a_recorded_process_replays_with_the_agreed_commands(file: Path) -> None:
    """Cases, approvals, counts and audits as orders."""
    replayer = Replayer(workflows=[PROCESS_STORIES[file.stem]], workflow_runner=sandbox())
    history = WorkflowHistory.from_json(file.stem, file.read_text())
    await replayer.replay_workflow(history)
    assert fingerprint(history) == file.with_suffix(".commands").read_text()
    assert not [secret for secret in PERSONAL if secret in file.read_text()]


async def test_a_workflow_that_changed_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The replay is no formality: a history in which another step was taken does not fit."""
    history = recorded(HISTORIES / "paid.json")
    words = history.to_json().replace('"name": "push_fulfillment"', '"name": "recall_fulfillment"')
    assert words != history.to_json()
    changed = WorkflowHistory.from_json(history.workflow_id, words)
    replayer = Replayer(workflows=[OrderWorkflow], workflow_runner=sandbox())
    result = await replayer.replay_workflow(changed, raise_on_replay_failure=False)
    assert result.replay_failure is not None
