"""A buyer's browser without scripts before the pages, over a store with an order that was delivered."""

import io
import re
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from PIL import Image

from clients.portal.app import Parts, application
from clients.settings import PortalSettings
from store.database import Database
from store.keyring import KeyRing
from store.portal_access import PortalAccess
from store.replay import By
from store.settings_docs import Profile
from tests.clients.worlds import HandClock
from tests.conftest import NOON
from tests.store.builders import key
from tests.store.case_world import CaseWorld, case_world

Door = Callable[..., httpx.AsyncClient]


@pytest.fixture
async def world(database: Database, ring: KeyRing, clock: HandClock) -> CaseWorld:
    """Order T1 with two units of A, paid, shipped and signed; the clock of the pages is the world's."""
    made = await case_world(database, ring)
    await made.delivered_order()
    clock.now = made.now
    return made


@pytest.fixture
def clock() -> HandClock:
    """A clock that is moved by hand."""
    return HandClock(NOON)


@pytest.fixture
async def door(database: Database, ring: KeyRing, clock: HandClock) -> AsyncIterator[Door]:
    """Open a browser: all see the same process, each has its own cookies; `address` is where it comes from."""
    app = application(Parts(database, ring, clock, PortalSettings(), Profile.LIVE))
    opened: list[httpx.AsyncClient] = []

    def open_one(address: str = "198.51.100.7", **more: Any) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app, client=(address, 1234))
        opened.append(httpx.AsyncClient(transport=transport, base_url="http://portal", follow_redirects=True, **more))
        return opened[-1]

    yield open_one
    for client in opened:
        await client.aclose()


@pytest.fixture
async def buyer(world: CaseWorld, door: Door, clock: HandClock) -> httpx.AsyncClient:
    """A browser that came in by a link to T1."""
    return await come_in(door(), world, key())


async def come_in(client: httpx.AsyncClient, world: CaseWorld, order_key: str) -> httpx.AsyncClient:
    """Let a browser in by a fresh link."""
    token = await PortalAccess(world.database, world.ring).make_link(order_key, By("alice", world.now))
    assert (await client.post(f"/portal/l/{token}")).status_code == 200
    return client


def field(page: str, name: str) -> str:
    """Give the value of a hidden field."""
    found = re.search(rf'name="{re.escape(name)}" value="([^"]*)"', page)
    assert found, f"no field {name}"
    return found[1]


def told(answer: httpx.Response) -> str:
    """Give what a page says is wrong."""
    found = re.search(r'id="trouble"[^>]*>([^<]*)<', answer.text)
    return found[1] if found else ""


def picture(colour: str = "red", side: int = 60, kind: str = "PNG") -> bytes:
    """Draw a photo."""
    file = io.BytesIO()
    Image.new("RGB", (side, side), colour).save(file, kind)
    return file.getvalue()
