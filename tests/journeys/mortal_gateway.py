"""A gateway process that may die at a named place: `python -m tests.journeys.mortal_gateway FOLDER`.

The real application on loopback, set up by the gateway's own environment. The places, one per message (its event id):
`receive`, from the first byte to an answer that has not left yet; `inbound`, the look into the directory; every call of
the inbox; and `commit of ...`, the end of a transaction inside of those (tests/journeys/strikes.py).
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from datetime import timedelta
from pathlib import Path

import uvicorn
from fastapi import Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from clients.clock import utc_now
from clients.gateway import directory
from clients.gateway.app import Gateway, application
from clients.settings import ClientSettings
from connectors.platforms.own import EVENT
from store import migrations
from store.database import Database
from store.keyring import KeyRing, load_keyring
from store.settings import store_settings
from tests.faults import When
from tests.journeys.strikes import CALL, Strikes, mortal

COMPANY_SECONDS = 0.3
MESSAGE: ContextVar[str] = ContextVar("MESSAGE", default="")
"""The event id of the message that is being received."""


class MortalDatabase(Database):
    """A database on which a process may die with everything written and nothing committed, or just afterwards."""

    def __init__(self, url: str, pool: int, strikes: Strikes) -> None:
        super().__init__(url, pool)
        self._strikes = strikes

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction as the store does."""
        no, call = CALL.get()
        async with super().transaction() as tx:
            yield tx
            await self._strikes.at(no, f"commit of {call}", When.BEFORE)
        await self._strikes.at(no, f"commit of {call}", When.AFTER)

    @asynccontextmanager
    async def statement(self) -> AsyncIterator[AsyncConnection]:
        """Run one statement in a transaction that can be seen: the place before its commit is the same."""
        async with self.transaction() as tx:
            yield tx


class MortalGateway(Gateway):
    """The gateway with strikes around every step that reaches outside."""

    def __init__(self, database: Database, ring: KeyRing, strikes: Strikes) -> None:
        super().__init__(database, ring, utc_now, ClientSettings().max_body_bytes)
        self._strikes = strikes
        self._directory = mortal(self._directory, strikes, lambda *_: MESSAGE.get())
        self._inbox = mortal(self._inbox, strikes, lambda *_: MESSAGE.get())

    async def receive(self, vendor: str, shop: str, request: Request) -> Response:
        """Receive as the gateway does; what it answers has not left yet when the last strike comes."""
        no = request.headers.get(EVENT, "")
        MESSAGE.set(no)
        await self._strikes.at(no, "receive", When.BEFORE)
        response = await super().receive(vendor, shop, request)
        await self._strikes.at(no, "receive", When.AFTER)
        return response


async def main(folder: Path) -> None:
    """Serve until killed. The directory remembers nothing, so that every message reads the shop rows."""
    directory.FRESH = timedelta(0)
    where, settings, strikes = store_settings(), ClientSettings(), Strikes(folder, COMPANY_SECONDS)
    database = MortalDatabase(where.database_url, where.database_pool, strikes)
    await migrations.upgrade(database)
    gateway = MortalGateway(database, load_keyring(where.keyring), strikes)
    config = uvicorn.Config(
        application(gateway, database), host=settings.gateway_host, port=settings.gateway_port, access_log=False
    )
    await uvicorn.Server(config).serve()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
