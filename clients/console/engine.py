"""The console's line to Temporal: dialled when first needed, never waited for. A page never asks it."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from clients.temporal import connect
from domain.errors import Unavailable

DIAL_SECONDS = 3.0
HEALTH_SECONDS = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a workflow stands: whether it runs, and how often its step was tried, with the last failure."""

    runs: bool
    attempt: int = 0
    failure: str = ""


class Engine:
    """Holds one connection and knows whether it answers."""

    def __init__(self) -> None:
        self._client: Client | None = None
        self._dialling = asyncio.Lock()

    async def client(self) -> Client:
        """Give the connection; raise Unavailable when nobody answers."""
        async with self._dialling:
            if self._client is None:
                try:
                    self._client = await asyncio.wait_for(connect(), DIAL_SECONDS)
                except TimeoutError:
                    raise Unavailable("Temporal: no answer") from None
            return self._client

    async def answers(self) -> bool:
        """Say whether the engine answers now."""
        try:
            client = await self.client()
            return await client.service_client.check_health(timeout=HEALTH_SECONDS)
        except (Unavailable, RPCError):
            return False

    async def progress(self, workflow_id: str) -> Progress:
        """Say whether a workflow runs, and the step that is tried most often; raise Unavailable."""
        handle = (await self.client()).get_workflow_handle(workflow_id)
        try:
            found = await handle.describe(rpc_timeout=HEALTH_SECONDS)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return Progress(False)
            raise Unavailable(f"Temporal: {error.status.name}") from error
        tried = max(found.raw_description.pending_activities, key=lambda one: one.attempt, default=None)
        runs = found.status is WorkflowExecutionStatus.RUNNING
        return Progress(runs, tried.attempt, tried.last_failure.message) if tried else Progress(runs)
