"""A surge, for real: gateway, inbox, apply, deliver and watch on a database; what may wait does, the core goes on.

INT-4, INT-5, INT-15. Every wait is for a state.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest
from markupsafe import Markup
from temporalio.client import Client

from clients import task_queues
from clients.clock import utc_now
from clients.console.engine import Engine
from clients.console.frame import Desk, no_download, when_calm
from clients.console.watch import Watch as News
from domain.errors import Unavailable
from domain.timing import LoopTiming, PullTiming, Timing
from store.database import Database
from store.keyring import KeyRing
from store.reads.rehearsal import RehearsalReads
from store.settings_docs import Profile
from tests.clients.worlds import connect, gateway_of, order, send, signed
from tests.connectors.worlds import OWN
from tests.store.builders import TIMING, change, rows, value
from tests.workflows.house import eventually
from workers import deliver
from workers.apply import apply_forever
from workers.deliver import deliver_forever
from workers.engine import Oversize
from workers.watch import Watch

PAID, EDITED, AT_ONCE = 160, 8, 32
SHORT = Timing(1, TIMING, LoopTiming(0.01, 0.01, 0.01, 1, 60, 60, 60), PullTiming(60, 60, 60, (60,)))
NOW = """
    SELECT EXISTS (SELECT FROM alert WHERE kind = 'surge' AND cleared_at IS NULL) AS surge,
        count(*) FILTER (WHERE lane = 3 AND state = 'new') AS edits,
        count(*) FILTER (WHERE lane < 3 AND state = 'new') AS core,
        count(*) FILTER (WHERE lane = 0 AND state = 'applied') AS booked
    FROM observation
"""


@pytest.fixture
def delivered(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The orders whose workflow was told, in their order; the engine says nothing else."""
    told: list[str] = []

    async def tell(_: Client, start: Any, *_more: Any) -> bool:
        told.append(start.key)
        return True

    async def away(*_: Any, **_more: Any) -> None:
        raise Unavailable("no engine in this test")

    monkeypatch.setattr(deliver, "tell_order", tell)
    monkeypatch.setattr(task_queues, "figures", away)
    return told


@asynccontextmanager
async def running(*loops: Any) -> AsyncIterator[None]:
    """Run loops beside what follows; one that dies is told."""
    tasks = [asyncio.create_task(loop) for loop in loops]
    try:
        yield
        assert not [task for task in tasks if task.done()]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class House:
    """A gateway that is sent orders, and what the database says of one moment."""

    def __init__(self, database: Database, client: Any) -> None:
        self._database = database
        self._client = client
        self._sent = 0

    async def push(self, orders: Sequence[dict[str, Any]]) -> None:
        """Send orders, so many at once; each is accepted."""
        for begin in range(0, len(orders), AT_ONCE):
            await asyncio.gather(*(self._push(one) for one in orders[begin : begin + AT_ONCE]))

    async def _push(self, told: dict[str, Any]) -> None:
        self._sent += 1
        message = json.dumps({"order": told}).encode()
        answer = await send(self._client, message, signed(message, f"evt-{self._sent}", sent=utc_now()))
        assert answer.status_code == 200, answer.text

    async def now(self) -> Any:
        """Look once."""
        return (await rows(self._database, NOW))[0]

    async def until(self, **wanted: Any) -> None:
        """Wait for a state."""

        async def there() -> bool:
            found = await self.now()
            return all(getattr(found, name) == value for name, value in wanted.items())

        await eventually(there, self.now)


async def limits(database: Database) -> None:
    """Let half a second of lag be an alert, and the watch look all the time."""
    for name, seconds in (("apply_lag_seconds", "0.5"), ("watch_seconds", "0.05")):
        live = "UPDATE setting SET body = jsonb_set(body, ARRAY[:name, 'live'], to_jsonb(CAST(:seconds AS float8)))"
        await change(database, f"{live} WHERE kind = 'alerts'", name=name, seconds=float(seconds))


def remarked(remark: str, **more: Any) -> list[dict[str, Any]]:
    return [order(no=f"E{n}", remark=remark, **more) for n in range(EDITED)]


async def flooded(house: House, database: Database, ring: KeyRing) -> None:
    """Book a few orders; then nobody books for a while, orders go on coming, and the oldest waits too long."""
    await house.push(remarked("old"))
    async with running(apply_forever(database, ring, SHORT)):
        await house.until(booked=EDITED, core=0)
    await house.push([order(no=f"P{n}") for n in range(PAID)])
    await house.until(surge=True)
    await house.push(remarked("new", updated_at=utc_now().isoformat()))


async def test_reports_and_edits_wait_while_the_core_is_behind_and_come_back_by_themselves(
    database: Database, ring: KeyRing, delivered: list[str]
) -> None:
    await connect(database, ring, OWN)
    await limits(database)
    news, watch = News(database, cast(Engine, Quiet())), Watch(cast(Client, None), database, Profile.LIVE, Oversize())
    desk, looks = cast(Desk, SimpleNamespace(watch=news)), list[Any]()
    loops = (apply_forever(database, ring, SHORT), deliver_forever(cast(Client, None), database, SHORT))
    async with gateway_of(database, ring, cast(Any, utc_now)) as client, running(watch.keep()):
        house = House(database, client)
        await flooded(house, database, ring)
        await news.look()
        answer = no_download(desk)
        assert answer is not None
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
        assert "高峰保护" in bytes(answer.body).decode()
        assert "高峰保护" in await when_calm(desk, report)()
        seen = await house.now()
        assert (seen.surge, seen.edits, seen.core) == (True, EDITED, PAID)
        lags = (await RehearsalReads(database).now(utc_now())).apply
        assert {one.lane: one.waiting for one in lags} == {0: PAID, 3: EDITED}, "a rehearsal tells the lanes apart"
        async with running(*loops):
            while (look := await house.now()).surge:
                looks.append(look)
            await house.until(edits=0, core=0)
            await eventually(lambda: has(delivered, PAID + EDITED), house.now)
    assert {one.edits for one in looks} == {EDITED}, "none was booked while the surge lasted"
    assert looks[-1].booked > EDITED, "the core went on"
    await news.look()
    assert no_download(desk) is None
    assert await when_calm(desk, report)() == "figures"
    assert await value(database, "SELECT count(*) FROM audit WHERE action = 'order.remark_changed'") == EDITED
    assert await value(database, "SELECT count(*) FROM orders") == PAID + EDITED
    told = await rows(database, "SELECT cleared_at IS NULL AS open, cleared_by FROM alert WHERE kind = 'surge'")
    assert {tuple(one) for one in told} == {(False, "")}, "by itself"


class Quiet:
    """An engine that is there."""

    async def answers(self) -> bool:
        return True


async def report() -> Markup:
    return Markup("figures")


async def has(told: list[str], most: int) -> bool:
    return len(set(told)) >= most
