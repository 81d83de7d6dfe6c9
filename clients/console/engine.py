"""The console's line to Temporal: dialled when first needed, never waited for. A page never asks it."""

import asyncio
from datetime import timedelta

from temporalio.client import Client
from temporalio.service import RPCError

from clients.temporal import connect
from domain.errors import Unavailable

DIAL_SECONDS = 3.0
HEALTH_SECONDS = timedelta(seconds=2)


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
