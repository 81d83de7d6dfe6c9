"""One overdue case reaches four services, each once, over their real wires, whatever is repeated or lost (OPS-3)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest
from temporalio.testing import ActivityEnvironment

from activities.bulkhead import Bulkheads, Limits
from activities.channels import TokenKeeper
from activities.drain import DrainActivities
from activities.messages import MessageSending
from clients.clock import utc_now
from connectors import registry
from domain.errors import Broken, OmsError, RateLimited, Refused, Unavailable
from domain.messages import MESSAGE, Outgoing, Saying
from domain.outgoing import Queue
from domain.shops import Shop
from simulator.app import create_app
from simulator.plan import build_plan
from simulator.settings import Config
from simulator.world import World
from store import messaging, settings_docs
from store.database import Database
from store.keyring import KeyRing
from store.message_sending import SqlMessages
from store.outgoing import SqlOutgoing
from store.reread import SqlReread
from store.settings_docs import Profile
from store.settings_versions import Change, SettingVersions
from store.shops import Shops
from store.tokens import SqlTokens
from store.tracking import SqlTracking
from tests.connectors.messengers import DINGTALK, FEISHU, SMS, SMTP, VOICE, WECOM
from tests.simulator.erp import config
from tests.store.builders import rows
from tests.workflows.house import LOOPS, eventually
from workers.wiring import ShopVendors

URL = "http://simulator"
THERE = {
    "wecom_key": WECOM.secrets[0],
    "dingtalk_token": "token-1",
    "dingtalk_secret": DINGTALK.secrets[0],
    "feishu_token": "hook-1",
    "feishu_secret": FEISHU.secrets[0],
    "aliyun_key_id": SMS.key_id,
    "aliyun_secret": SMS.secrets[0],
    "sign_name": "阿里云",
    "smtp_port": 0,
    "smtp_login": "oms",
    "smtp_password": SMTP.secrets[0],
}
MAIL = {"from": "oms@shop.example", "to": "it@shop.example"}
LATE = Saying(
    "case.overdue", "case:C1:overdue:1", "C1", "critical", facts={"mark": "", "since": "2026-11-22 04:00 UTC"}
)
WAYS = [
    {"account": "wecom/duty", "mobiles": ["13800138000"]},
    {"account": "dingtalk/duty"},
    {"account": "aliyun_sms/duty", "mobiles": ["13800138000"]},
    {"account": "smtp/duty", "mails": ["lead@shop.example", "second@shop.example"]},
]


@dataclass
class Outside:
    """The simulated services, and our accounts there."""

    client: httpx.AsyncClient
    shops: dict[str, Shop]

    async def books(self) -> dict[str, Any]:
        """What the services got."""
        return dict((await self.client.get("/books/messages")).json())

    async def send(self, vendor: str, message: Outgoing) -> str:
        """Send one message by our connector."""
        return await registry.message_sender(self.shops[vendor], self.client, utc_now).send(message)


@asynccontextmanager
async def outside(**lost: int) -> AsyncIterator[Outside]:
    plain = config(count=1).model_dump()
    settings = Config.model_validate(plain | {"messages": THERE | {"lost": lost}})
    world = World(settings, build_plan(settings), transport=httpx.MockTransport(lambda _: httpx.Response(503)))
    assert world.mail is not None
    await world.mail.start()
    client = httpx.AsyncClient(transport=httpx.ASGITransport(create_app(world)), base_url=URL)
    shops = {one.vendor: replace(one, endpoint_url=URL) for one in (WECOM, DINGTALK, FEISHU, SMS, VOICE)}
    shops["smtp"] = replace(SMTP, endpoint_url=f"smtp://127.0.0.1:{world.mail.port}", params=MAIL)
    async with client:
        yield Outside(client, shops)
    await world.stop()


async def connect(database: Database, ring: KeyRing, there: Outside) -> None:
    for shop in there.shops.values():
        await Shops(database, ring).add(replace(shop, code="duty"), None, utc_now())
    versions = SettingVersions(database)
    active = await versions.one("messages")
    body = settings_docs.filled("messages", active.body)
    body["recipients"]["service_supervisor"] = WAYS
    await versions.activate("messages", body, Change("test", "a test", utc_now(), active.version))


def drain_of(database: Database, ring: KeyRing, there: Outside) -> DrainActivities:
    """The drain as a worker builds it."""
    outgoing = SqlOutgoing(database, ring)
    keeper = TokenKeeper(SqlTokens(database, ring), utc_now)
    strangers = ShopVendors(Shops(database, ring), there.client, Bulkheads(utc_now, Limits(1.0)), keeper)
    drains = DrainActivities(
        outgoing, SqlTracking(database, ring, 60, 60), SqlReread(database, ring), strangers, utc_now
    )
    messages = SqlMessages(database, ring, Profile.DEMO)
    drains.also(MESSAGE, MessageSending(outgoing, messages, strangers, utc_now).send)
    return drains


async def drained(database: Database, drains: DrainActivities) -> None:
    """Repeat every account's drain until nothing waits."""

    async def idle() -> bool:
        for vendor in ("wecom", "dingtalk", "aliyun_sms", "smtp"):
            queue = Queue(MESSAGE, vendor, "duty")
            await ActivityEnvironment().run(drains.drain, queue, LOOPS, 1)
        return not await rows(database, "SELECT id FROM outgoing WHERE state = 'new'")

    async def waiting() -> Any:
        return await rows(database, "SELECT vendor, state, reason FROM message")

    await eventually(idle, waiting)


@pytest.mark.parametrize("lost", [{}, {"aliyun_sms": 1, "smtp": 1}])
async def test_one_overdue_case_reaches_four_services_each_once(
    database: Database, ring: KeyRing, lost: dict[str, int]
) -> None:
    async with outside(**lost) as there:
        await connect(database, ring, there)
        for _ in range(2):
            async with database.transaction() as tx:
                await messaging.say(tx, LATE, utc_now())
            for drains in (drain_of(database, ring, there), drain_of(database, ring, there)):
                await drained(database, drains)
        books = await there.books()
    assert books["counts"] == {"wecom": 1, "dingtalk": 1, "aliyun_sms": 1, "smtp": 1}
    assert books["twice"] == []
    got = {one["service"]: one for one in books["messages"]}
    assert got["wecom"]["to"] == got["aliyun_sms"]["to"] == ["13800138000"]
    assert got["smtp"]["to"] == ["lead@shop.example", "second@shop.example"]
    assert "超时：C1" in got["dingtalk"]["text"]
    sent = await rows(database, "SELECT vendor, state, receipt FROM message ORDER BY vendor")
    assert [(row.vendor, row.state) for row in sent] == [
        (name, "sent") for name in ("aliyun_sms", "dingtalk", "smtp", "wecom")
    ]
    (receipt,) = [row.receipt for row in sent if row.vendor == "aliyun_sms"]
    assert (receipt == "asked") is bool(lost)


@pytest.mark.parametrize("vendor", ["wecom", "dingtalk", "feishu", "aliyun_sms", "aliyun_voice", "smtp"])
async def test_our_messages_are_taken_and_a_wrong_key_is_not(vendor: str) -> None:
    message = Outgoing("ref-1", "超时：C1", "售后单 C1", mobiles=("13800138000",))
    async with outside() as there:
        await there.send(vendor, message)
        assert (await there.books())["counts"] == {vendor: 1}
        there.shops[vendor] = replace(there.shops[vendor], secrets=("wrong",))
        with pytest.raises((Refused, Broken)):
            await there.send(vendor, message)
        assert (await there.books())["counts"] == {vendor: 1}


@pytest.mark.parametrize(("vendor", "most"), [("wecom", 20), ("dingtalk", 20), ("feishu", 5)])
async def test_a_robot_that_hears_too_much_asks_for_patience(vendor: str, most: int) -> None:
    async with outside() as there:
        for n in range(most):
            await there.send(vendor, Outgoing(f"r{n}", f"{n}", f"{n}"))
        with pytest.raises(RateLimited):
            await there.send(vendor, Outgoing("r", "one too many", ""))
        assert (await there.books())["counts"] == {vendor: most}


@pytest.mark.parametrize(
    ("mails", "error", "words"),
    [
        (("nobody@shop.example",), Refused, "550.*no such user"),
        (("not an address\n",), Refused, "cannot be written|550|501"),
    ],
)
async def test_a_letter_that_the_server_does_not_take_is_refused(
    mails: tuple[str, ...], error: type[OmsError], words: str
) -> None:
    async with outside() as there:
        with pytest.raises(error, match=words):
            await there.send("smtp", Outgoing("ref-1", "t", "x", mails=mails))
        assert (await there.books())["counts"] == {}


async def test_a_letter_for_two_of_whom_one_is_unknown_says_so_in_its_receipt() -> None:
    async with outside() as there:
        mails = ("nobody@shop.example", "it@shop.example")
        receipt = await there.send("smtp", Outgoing("ref-1", "t", "x", mails=mails))
        assert receipt == "<ref-1@shop.example>, 1 of 2 addresses refused"


async def test_a_mail_server_that_is_away_is_unavailable() -> None:
    async with outside() as there:
        there.shops["smtp"] = replace(there.shops["smtp"], endpoint_url="smtp://127.0.0.1:1")
        with pytest.raises(Unavailable, match="mail server"):
            await there.send("smtp", Outgoing("ref-1", "t", "x"))
