"""What goes wrong with a channel reaches people over the real wires: mail after three failed pulls, SMS and mail for a
silence (INT-3, INT-8, INT-18)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment

from activities.drain import DrainActivities
from clients.clock import utc_now
from domain.connections import CONNECTION, SILENCE, Connection, finding, silent
from domain.messages import MESSAGE
from domain.outgoing import Queue
from domain.pulling import PullRules, PullSource
from domain.watch import AlertLimits
from store import connections, settings_docs
from store.database import Database
from store.keyring import KeyRing
from store.pulls import SqlPulls
from store.settings_versions import Change, SettingVersions
from store.shops import Shops
from tests.journeys.test_messages import Outside, drain_of, outside
from tests.store.builders import rows
from tests.workflows.house import LOOPS, PULLS, eventually

SOURCE = PullSource("taobao", "tm", PullRules(3600), PULLS)
LIMITS = AlertLimits(15, 60, 60, 30, 900, 3600, 3600, call_attempts=8, stock_push_seconds=60)
MOBILE = "13800138000"


async def connect(database: Database, ring: KeyRing, there: Outside) -> None:
    """Connect the accounts that the shipped settings name; only the owner's phone is filled in."""
    for vendor, code in (("smtp", "mail"), ("aliyun_sms", "sms")):
        await Shops(database, ring).add(replace(there.shops[vendor], code=code), None, utc_now())
    versions = SettingVersions(database)
    active = await versions.one("messages")
    body = settings_docs.filled("messages", active.body)
    body["recipients"]["channel_owner"][1]["mobiles"] = [MOBILE]
    await versions.activate("messages", body, Change("test", "a phone", utc_now(), active.version))


async def sent(database: Database, drains: DrainActivities, there: Outside) -> list[Any]:
    """Let the worker's drains send what waits; give what the services got."""

    async def idle() -> bool:
        for vendor, code in (("smtp", "mail"), ("aliyun_sms", "sms")):
            await ActivityEnvironment().run(drains.drain, Queue(MESSAGE, vendor, code), LOOPS, 1)
        return not await rows(database, "SELECT id FROM outgoing WHERE state = 'new'")

    async def waiting() -> Any:
        return await rows(database, "SELECT kind, vendor, state, reason FROM message")

    await eventually(idle, waiting)
    return list((await there.books())["messages"])


async def test_the_third_failed_pull_in_a_row_is_a_mail_at_the_mail_service(database: Database, ring: KeyRing) -> None:
    pulls = SqlPulls(database, ring)
    async with outside() as there:
        await connect(database, ring, there)
        drains = drain_of(database, ring, there)
        for _ in range(2):
            await pulls.failed(SOURCE, "HTTP 503", utc_now())
        assert await sent(database, drains, there) == []
        for _ in range(2):
            await pulls.failed(SOURCE, "HTTP 503", utc_now())
        (mail,) = await sent(database, drains, there)
    assert mail["service"] == "smtp"
    assert mail["to"] == ["it@shop.example"]
    assert "拉单失败：taobao/tm" in mail["text"] + mail.get("title", "")
    assert "3 pulls in a row failed: HTTP 503" in mail["text"]


@pytest.mark.parametrize(("kind", "services"), [(SILENCE, ["aliyun_sms", "smtp"]), (CONNECTION, ["smtp"])])
async def test_a_silent_channel_is_told_by_sms_and_mail_and_a_lacking_one_by_mail(
    database: Database, ring: KeyRing, kind: str, services: list[str]
) -> None:
    now = utc_now()
    one = Connection("taobao", "tm", now - timedelta(hours=5), pulls=True, scheduled=False, pulled_at=now)
    found = {SILENCE: silent, CONNECTION: finding}[kind](one, LIMITS, now)
    assert found is not None
    async with outside() as there:
        await connect(database, ring, there)
        for _ in range(2):  # the next look finds the same, and says nothing more
            async with database.transaction() as tx:
                await connections.settle(tx, kind, [found], now)
        got = await sent(database, drain_of(database, ring, there), there)
    assert sorted(message["service"] for message in got) == services
    assert all(message["to"] in ([MOBILE], ["it@shop.example"]) for message in got)
