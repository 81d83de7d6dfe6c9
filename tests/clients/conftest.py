"""A connected own shop behind a gateway, for most tests of this room."""

from collections.abc import AsyncIterator

import httpx
import pytest

from store.database import Database
from store.keyring import KeyRing
from tests.clients.worlds import HandClock, connect, gateway_of
from tests.connectors.worlds import KDNIAO, OWN, QIMEN


@pytest.fixture
def clock() -> HandClock:
    """A clock that is moved by hand; it shows the moment at which the messages are signed."""
    return HandClock()


@pytest.fixture
async def client(database: Database, ring: KeyRing, clock: HandClock) -> AsyncIterator[httpx.AsyncClient]:
    """A gateway with one account of every vendor."""
    await connect(database, ring, OWN, QIMEN, KDNIAO)
    async with gateway_of(database, ring, clock) as opened:
        yield opened
