"""The workflow sandbox of our workers. Owns that payloads pass it without a detour; restricts what the SDK's does."""

from dataclasses import dataclass
from typing import Any

from temporalio import workflow
from temporalio.converter import SerializationContext, StorageDriverStoreContext
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

_NOWHERE = StorageDriverStoreContext(target=None)


@dataclass(frozen=True)
class PlainPayloads(SandboxedWorkflowRunner):
    """A sandbox for a client without a payload codec and without external storage, as ours is.

    For each payload that comes or goes the SDK asks the sandbox, some six times, what the payload belongs to, and tells
    a codec or a storage of it: a compiled and executed line of code each time, a tenth of a worker's CPU. Nobody here
    wants to know. Workflow code runs in the sandbox as ever. A client with a codec takes SandboxedWorkflowRunner.
    """

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """Build a sandbox for one run of a workflow."""
        return _Plain(super().create_instance(det))


class _Plain(WorkflowInstance):
    """A run in its sandbox, whose payloads belong to nothing in particular."""

    def __init__(self, inner: WorkflowInstance) -> None:
        self._inner = inner

    def activate(self, act: Any) -> Any:
        """Run the workflow's code for one task."""
        return self._inner.activate(act)

    def get_serialization_context(self, command_info: Any) -> SerializationContext | None:
        """Say that no codec needs to know."""
        return None

    def get_external_store_context(self, command_info: Any) -> StorageDriverStoreContext:
        """Say that nothing is stored elsewhere."""
        return _NOWHERE

    def get_info(self) -> workflow.Info:
        """Say which run this is."""
        return self._inner.get_info()

    def get_thread_id(self) -> int | None:
        """Say where it runs, for whoever finds it stuck."""
        return self._inner.get_thread_id()
