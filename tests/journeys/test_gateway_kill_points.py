"""kill -9 of the gateway before and after every step that reaches outside: nothing claimed, lost or doubled (INT-4).

A real process, a real SIGKILL, the own shop's connector and signature. Every message has one place of its own. Its
sender does what a shop does: it repeats the same bytes until somebody answers with 2xx or 4xx.
"""

import asyncio
import hashlib
import json
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from signal import SIGKILL

import httpx
import pytest

from clients.clock import utc_now
from clients.embedded import child_of_ours, free_port
from connectors.inbound import Push
from connectors.platforms.own import EVENT, OwnInbound
from store.database import Database
from store.inbox import Inbox, unverified_context
from store.keyring import KeyRing, create_keyring
from store.serial import open_observation
from tests.clients.worlds import PATHS, connect, message, rows, signed
from tests.connectors.worlds import OWN
from tests.faults import When
from tests.journeys.strikes import Strike, struck, write_plan
from tests.layout.house import HOUSE

SECONDS = 60.0
LOOK_SECONDS = 0.05
ANSWERS = {"genuine": 200, "unparsable": 422, "unverified": 401}
STORED = {
    (call, When.AFTER)
    for name in ("accept", "keep_unparsable", "keep_unverified")
    for call in (name, f"commit of {name}", "receive")
}
"""The places at which the message is durable already, so that its repetition is one more."""


@dataclass(frozen=True)
class Message:
    """One message of the shop, signed once; its event id names its place."""

    kind: str
    call: str
    when: When
    twin: bool = False

    @property
    def event(self) -> str:
        return f"{self.kind} {self.when} {self.call}".replace(" ", "-")

    @property
    def body(self) -> bytes:
        if self.kind == "unparsable" and not self.twin:
            return json.dumps({"order": self.event}).encode()
        return message(no=self.event)

    @property
    def stored(self) -> bool:
        return (self.call, self.when) in STORED

    def headers(self) -> dict[str, str]:
        """Sign it at this moment; a stranger has another secret."""
        secret = "guessed" if self.kind == "unverified" and not self.twin else OWN.secrets[0]
        return signed(self.body, self.event, utc_now(), secret)


def salvo(kind: str, calls: str) -> list[Message]:
    """The messages of one kind that strike together, before and after each of these calls."""
    return [Message(kind, call, when) for call, when in product(calls.split(", "), (When.BEFORE, When.AFTER))]


SALVOS = (
    # One by one: several may share one reading of the rows, and one commit.
    *([one] for one in salvo("genuine", "commit of inbound, commit of accept")),
    salvo("genuine", "receive, inbound, accept"),
    salvo("unparsable", "keep_unparsable, commit of keep_unparsable, receive"),
    salvo("unverified", "keep_unverified, commit of keep_unverified, receive"),
)
CAST = [one for salvo in SALVOS for one in salvo]


@dataclass
class Site:
    """One gateway on one port, started again whenever it dies."""

    folder: Path
    environment: dict[str, str]
    deaths: list[int] = field(default_factory=list)

    async def keep(self) -> None:
        """Keep it alive until cancelled."""
        command = child_of_ours([sys.executable, "-m", "tests.journeys.mortal_gateway", str(self.folder)], "KILL")
        with (self.folder / "gateway.log").open("ab") as log:
            while True:
                process = await asyncio.create_subprocess_exec(
                    *command, stdout=log, stderr=log, cwd=HOUSE, env=self.environment
                )
                try:
                    self.deaths.append(await process.wait())
                finally:
                    if process.returncode is None:
                        process.kill()
                        await process.wait()


@dataclass
class Shop:
    """The own shop, which sends."""

    client: httpx.AsyncClient
    lost: Counter[str] = field(default_factory=Counter)

    async def tell(self, one: Message) -> httpx.Response:
        """Send a message, the same bytes again and again, until it is answered; counts the answers that never came."""
        headers, until = one.headers(), time.monotonic() + SECONDS
        while time.monotonic() < until:
            try:
                answer = await self.client.post(PATHS["own"], content=one.body, headers=headers)
            except httpx.ConnectError:
                pass  # the next gateway does not listen yet
            except (httpx.ReadError, httpx.RemoteProtocolError, httpx.WriteError):
                self.lost[one.event] += 1
            else:
                if answer.status_code < 500:
                    return answer
            await asyncio.sleep(LOOK_SECONDS)
        raise AssertionError(f"{one.event} was never answered")


@pytest.fixture
def shop_ring(tmp_path: Path) -> KeyRing:
    """The key ring of the gateway process."""
    return create_keyring(tmp_path / "keyring.json")


@pytest.fixture
async def site(tmp_path: Path, database: Database, database_url: str, shop_ring: KeyRing) -> AsyncIterator[Site]:
    await connect(database, shop_ring, OWN)
    write_plan(tmp_path, [Strike(one.event, one.call, one.when) for one in CAST])
    environment = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(HOUSE),
        "OMS_DATABASE_URL": database_url,
        "OMS_KEYRING": str(tmp_path / "keyring.json"),
        "OMS_GATEWAY_PORT": str(free_port()),
    }
    made = Site(tmp_path, environment)
    keeper = asyncio.create_task(made.keep())
    yield made
    keeper.cancel()
    await asyncio.wait([keeper])


async def test_a_gateway_killed_anywhere_claims_loses_and_doubles_nothing(
    site: Site, database: Database, shop_ring: KeyRing
) -> None:
    address = f"http://127.0.0.1:{site.environment['OMS_GATEWAY_PORT']}"
    async with httpx.AsyncClient(base_url=address, timeout=SECONDS, trust_env=False) as client:
        shop = Shop(client)
        for messages in SALVOS:
            answers = await asyncio.gather(*(shop.tell(one) for one in messages))
            assert_answered(dict(zip(messages, answers, strict=True)), shop.lost)
        twins = [Message(one.kind, one.call, one.when, twin=True) for one in CAST if one.kind != "genuine"]
        for answer in await asyncio.gather(*(shop.tell(one) for one in twins)):
            assert answer.json() == {"accepted": True, "duplicate": False}, "nothing stood in a genuine message's way"
    assert struck(site.folder) == {one.event for one in CAST} == set(shop.lost), "every strike took an answer away"
    assert set(site.deaths) == {-SIGKILL}, "nothing died by itself"
    assert len(site.deaths) >= len(SALVOS)
    await assert_accepted_once(database, shop_ring, [one for one in CAST if one.kind == "genuine"] + twins)
    await assert_unparsable_kept_once(database, shop_ring)
    await assert_unverified_kept(database, shop_ring)


def assert_answered(answers: dict[Message, httpx.Response], lost: Counter[str]) -> None:
    """Who repeats is told what it would have been told at first; a genuine one is a duplicate if it had been stored."""
    for one, answer in answers.items():
        assert answer.status_code == ANSWERS[one.kind], (one.event, answer.text)
        if one.kind == "genuine":
            duplicate = one.stored or (lost[one.event] > 1 and answer.json()["duplicate"])  # somebody else's kill too
            assert answer.json() == {"accepted": True, "duplicate": duplicate}, one.event


async def assert_accepted_once(database: Database, ring: KeyRing, genuine: list[Message]) -> None:
    """Each genuine message is one row, as sent, with exactly what it observes."""
    accepted = {row.key: row for row in await rows(database, "inbox") if row.state == "accepted"}
    assert sorted(accepted) == sorted(one.event for one in genuine)
    observed = await rows(database, "observation")
    assert sorted(row.inbox_id for row in observed) == sorted(row.id for row in accepted.values())
    of_message = {row.inbox_id: open_observation(ring, row.body_sealed, row.subject) for row in observed}
    for one in genuine:
        row = accepted[one.event]
        assert await Inbox(database, ring).raw(row.id) == one.body
        said = OwnInbound(OWN).parse(Push({}, one.headers(), one.body, utc_now())).observations
        assert said == (of_message[row.id],), one.event


async def assert_unparsable_kept_once(database: Database, ring: KeyRing) -> None:
    """Each message that nobody can read is one row, as sent."""
    kept = {row.key: row for row in await rows(database, "inbox") if row.state != "accepted"}
    messages = [one for one in CAST if one.kind == "unparsable"]
    digests = {f"unparsable:{hashlib.sha256(one.body).hexdigest()}": one for one in messages}
    assert sorted(kept) == sorted(digests)
    assert {row.state for row in kept.values()} == {"unparsable"}
    for key, one in digests.items():
        assert await Inbox(database, ring).raw(kept[key].id) == one.body


async def assert_unverified_kept(database: Database, ring: KeyRing) -> None:
    """Each unproven message is kept each time that it was stored: these rows have no unique key, on purpose."""
    kept = await rows(database, "unverified")
    messages = {one.event: one for one in CAST if one.kind == "unverified"}
    times = Counter(row.headers[EVENT] for row in kept)
    assert set(times) == set(messages)
    assert not [event for event, one in messages.items() if times[event] < (2 if one.stored else 1)]
    for row in kept:
        body = ring.open_raw(row.raw_sealed, unverified_context(row.source, row.shop))
        assert body == messages[row.headers[EVENT]].body
