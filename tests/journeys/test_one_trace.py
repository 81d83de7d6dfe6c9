"""One order is one trace, from its webhook to its warehouse and its courier (OPS-1); nobody is named in it (SEC-1).

Real processes and a real Temporal; the collector, the warehouse, the courier and the shop are stubs on loopback.
"""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest

from clients.clock import utc_now
from clients.installation import Installation
from store.database import Database
from store.keyring import KeyRing, load_keyring
from store.stock_on_hand import Shelf, set_on_hand
from tests.clients.test_gateway_vendors import CONFIRM, confirm
from tests.clients.worlds import PATHS, PERSONAL, connect, message, signed
from tests.connectors.worlds import KDNIAO, OWN, QIMEN
from tests.journeys.collector import Outside, outside
from tests.store.builders import rows
from tests.workflows.house import eventually

KEY = "own:mall:D1"
WAY = {
    "POST /in/{vendor}/{shop}",
    "apply order",
    "deliver paid",
    "SignalWithStartWorkflow:OrderWorkflow",
    "RunActivity:plan_order",
    "RunActivity:push_fulfillment",
    "call qimen",
    "RunActivity:book_shipments",
    "subscribe",
    "call kdniao",
}
"""From the shop's message to the courier, over the gateway, four loops, the engine and the drain."""


@pytest.fixture
async def running(tmp_path: Path, database: Database, database_url: str) -> AsyncIterator[tuple[Installation, Outside]]:
    """An installation that sends its traces to a stub."""
    with outside() as world:
        external = {"OMS_DATABASE_URL": database_url, "OMS_OTLP_ENDPOINT": world.url, "OTEL_BSP_SCHEDULE_DELAY": "100"}
        installation = Installation(tmp_path, "demo", external)
        try:
            installation.start()
            await furnish(database, load_keyring(tmp_path / "keyring.json"), world.url)
            yield installation, world
        finally:
            installation.stop()


async def furnish(database: Database, ring: KeyRing, url: str) -> None:
    places = {"qimen": "wms", "kdniao": "courier", "own": "shop"}
    shops = [replace(shop, endpoint_url=f"{url}/{places[shop.vendor]}") for shop in (OWN, QIMEN, KDNIAO)]
    await connect(database, ring, *shops)
    async with database.transaction() as tx:
        await set_on_hand(tx, Shelf("GZ01", "TEE-WHITE-M", "纯棉圆领短袖 白 M"), 10, utc_now())


async def test_one_order_is_one_trace_up_to_its_courier_and_neither_trace_nor_log_names_its_buyer(
    running: tuple[Installation, Outside], database: Database, pytestconfig: pytest.Config
) -> None:
    installation, world = running
    async with httpx.AsyncClient(base_url=installation.run.urls["gateway"], timeout=10) as gateway:
        body = message()
        answer = await gateway.post(PATHS["own"], content=body, headers=signed(body, sent=utc_now()))
        assert answer.status_code == 200, answer.text
        await until_called(world, "call qimen", database)
        (fulfillment,) = await rows(database, "SELECT no FROM fulfillment")
        sent = utc_now().astimezone(ZoneInfo(QIMEN.zone)).strftime("%Y-%m-%d %H:%M:%S")
        shipped = CONFIRM.format(biz="OB-1").replace("F1<", f"{fulfillment.no}<")
        assert "success" in (await confirm(gateway, shipped, timestamp=sent)).text
        await trouble(gateway)
        await until_called(world, "call kdniao", database)
    installation.stop()

    pushes = [span for span in world.spans if span.name.startswith("POST /in/")]
    first = next(span for span in pushes if span.about["oms.vendor"] == "own")
    ours = {span.id: span for span in world.spans if span.trace == first.trace}
    names = {span.name for span in ours.values()}
    (pytestconfig.rootpath / "build").mkdir(exist_ok=True)
    (pytestconfig.rootpath / "build" / "trace.txt").write_text(world.story(first.trace))
    assert names >= WAY, WAY - names
    assert {span.service for span in ours.values()} == {"steadfast-gateway", "steadfast-worker"}
    assert {span.about["oms.order"] for span in ours.values() if "oms.order" in span.about} == {KEY}
    assert first.parent == ""
    # The workflow's own span ends with the order: until then it is the one parent that nobody has seen.
    unseen = {span.parent for span in ours.values()} - ours.keys() - {""}
    assert len(unseen) <= 1
    assert_nobody_is_named(b"".join(world.raw).decode(errors="replace"))
    for name in ("gateway", "worker"):
        log = (installation.folder / f"{name}.log").read_text()
        assert_nobody_is_named(log)
        assert [line for line in log.splitlines() if not line.startswith("{")] == [], "one JSON line per event"
    said = (installation.folder / "gateway.log").read_text()
    assert {"not verified", "unparsable"} <= {json.loads(line)["event"] for line in said.splitlines()}


async def trouble(gateway: httpx.AsyncClient) -> None:
    """What makes a gateway write log lines, each with a buyer in it: a forgery, and what nobody can read."""
    forged = await gateway.post(PATHS["own"], content=message(), headers=signed(message(), "e2", utc_now(), "wrong"))
    assert forged.status_code == 401
    strange = message(status=PERSONAL[0], total_minor=PERSONAL[1])
    unread = await gateway.post(PATHS["own"], content=strange, headers=signed(strange, "e3", utc_now()))
    assert unread.status_code == 422, unread.text


def assert_nobody_is_named(text: str) -> None:
    hidden = (*PERSONAL, *OWN.secrets, *QIMEN.secrets[1:], "203.0.113.7", "sign=")
    assert [word for word in hidden if word in text] == []


async def until_called(world: Outside, name: str, database: Database) -> None:
    async def there() -> bool:
        return any(span.name == name for span in world.spans)

    async def show() -> object:
        return [(span.name, span.about) for span in world.spans], await rows(database, "SELECT * FROM outgoing")

    await eventually(there, show)
