"""`oms inbox` and `oms alert`: kept messages are seen, opened on record, and let in after the mend (INT-14)."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import text

from connectors.inbound import Genuine, Push
from connectors.platforms.own import OwnInbound
from domain.errors import Unparsable
from store import alerts
from store.alerts import Level, NewAlert
from store.database import Database
from store.inbox import Arrival, Inbox
from store.keyring import KeyRing
from store.observations import MAX_FAULTS, Rest, later
from tests.clients.test_gateway_vendors import CONFIRM, confirm
from tests.clients.worlds import PERSONAL, HandClock, Oms, connect, gateway_of, message, rows, send, signed
from tests.connectors.pdd_answers import PDD
from tests.connectors.test_taobao_queue import SHOP as TAOBAO_QUEUE
from tests.connectors.test_taobao_queue import message as queue_message
from tests.connectors.worlds import NOW, OWN, QIMEN


@pytest.fixture
async def door(database: Database, cli_ring: KeyRing, clock: HandClock) -> AsyncIterator[httpx.AsyncClient]:
    """A gateway that knows other keys than its senders use."""
    await connect(database, cli_ring, *(replace(shop, secrets=("mistyped",)) for shop in (OWN, QIMEN)))
    async with gateway_of(database, cli_ring, clock) as opened:
        yield opened


def queued(**changes: str) -> bytes:
    """A message of Taobao's queue as it is stored."""
    return json.dumps({**queue_message(), **changes}).encode()


async def mend(database: Database, ring: KeyRing) -> None:
    """Give the shops the keys that their senders use."""
    async with database.transaction() as tx:
        await tx.execute(text("DELETE FROM shop"))
        await tx.execute(text("DELETE FROM warehouse"))
    await connect(database, ring, OWN, QIMEN)


async def actions(database: Database) -> list[tuple[str, str, int | None]]:
    """What is on record of people's own doing."""
    entries = await rows(database, "audit")
    return [(one.actor, one.action, one.inbox_id) for one in entries if one.action != "shop.added"]


async def test_a_message_is_replayed_once_after_its_key_is_mended(
    oms: Oms, database: Database, cli_ring: KeyRing, door: httpx.AsyncClient
) -> None:
    body = message()
    assert (await send(door, body)).status_code == 401
    code, said = await oms("inbox", "replay", "u1")
    assert (code, said.startswith("u1: still not verified: x-steadfast-signature")) == (1, True)
    assert (await rows(database, "unverified"))[0].replayed_at is None
    await mend(database, cli_ring)
    assert (await oms("inbox", "replay", "u1", "--actor", "ann")) == (0, "u1: accepted as message 1\n")
    (kept,) = await rows(database, "inbox")
    assert (kept.key, kept.way, kept.state, kept.received_at) == ("evt-1", "replay", "accepted", NOW)
    assert await Inbox(database, cli_ring).raw(kept.id) == body
    (seen,) = await rows(database, "observation")
    assert (seen.inbox_id, seen.subject, seen.state) == (kept.id, "own:mall:D1", "new")
    code, said = await oms("inbox", "replay", "u1")
    assert (code, said.startswith("u1: nothing to do: replayed at ")) == (0, True)
    assert len(await rows(database, "inbox")) == len(await rows(database, "observation")) == 1
    assert await actions(database) == [("ann", "inbox.replayed", kept.id)]


async def test_what_the_sender_repeated_meanwhile_is_known_already(
    oms: Oms, database: Database, cli_ring: KeyRing, door: httpx.AsyncClient, clock: HandClock
) -> None:
    await send(door, message())
    await mend(database, cli_ring)
    clock.forward(60)
    assert (await send(door, message())).json()["accepted"]
    assert await oms("inbox", "replay", "u1") == (0, "u1: known already: message 1\n")
    assert (await rows(database, "unverified"))[0].replayed_at is not None
    assert len(await rows(database, "observation")) == 1


async def test_all_of_one_shop_are_replayed_with_one_line_each(
    oms: Oms, database: Database, cli_ring: KeyRing, door: httpx.AsyncClient
) -> None:
    for n in (1, 2):
        await send(door, message(no=f"D{n}"), signed(message(no=f"D{n}"), f"evt-{n}"))
    await send(door, message(no="D3"), signed(message(no="D3"), "evt-3", secret="a stranger's"))
    await send(door, b"{}", signed(b"{}", "evt-4"))
    await confirm(door, CONFIRM.format(biz="OB-1"))
    await mend(database, cli_ring)
    code, said = await oms("inbox", "replay", "--all-unverified", "--source", "own", "--shop", "mall")
    lines = said.splitlines()
    assert (code, [line.split(":")[0] for line in lines]) == (1, ["u1", "u2", "u3", "u4"])
    assert lines[2].startswith("u3: still not verified")
    assert lines[3].startswith("u4: genuine, but cannot be read: order is missing")
    assert [row.state for row in await rows(database, "inbox")] == ["accepted", "accepted", "unparsable"]
    code, said = await oms("inbox", "replay", "--all-unverified", "--source", "own", "--shop", "mall")
    assert (code, len(said.splitlines())) == (1, 1)
    assert await oms("inbox", "replay", "--all-unverified", "--source", "qimen", "--shop", "wms1") == (
        0,
        "u5: accepted as message 4\n",
    )
    assert [row.kind for row in await rows(database, "observation")] == ["order", "order", "shipment"]


@pytest.mark.parametrize("again", [False, True], ids=["alone", "the sender sent it again in a readable form"])
async def test_what_could_not_be_read_is_accepted_by_a_mended_connector(
    oms: Oms, database: Database, cli_ring: KeyRing, clock: HandClock, monkeypatch: pytest.MonkeyPatch, again: bool
) -> None:
    mended = OwnInbound.parse

    def broken(self: OwnInbound, push: Push) -> Genuine:
        raise Unparsable("order.no is missing: send it")

    await connect(database, cli_ring, OWN)
    monkeypatch.setattr(OwnInbound, "parse", broken)
    async with gateway_of(database, cli_ring, clock) as door:
        assert (await send(door, message())).status_code == 422
        assert await oms("inbox", "replay", "1") == (1, "1: still cannot be read: order.no is missing: send it\n")
        monkeypatch.setattr(OwnInbound, "parse", mended)
        if again:
            await send(door, message())
    words = "known already: message 2" if again else "accepted as message 1"
    assert await oms("inbox", "replay", "1") == (0, f"1: {words}\n")
    kept = await rows(database, "inbox")
    assert [row.state for row in kept] == (["superseded", "accepted"] if again else ["accepted"])
    assert kept[-1].key == "evt-1"
    assert (kept[-1].sent_at, kept[-1].reason) == (NOW, "")
    assert await Inbox(database, cli_ring).raw(kept[0].id) == message()
    assert [row.inbox_id for row in await rows(database, "observation")] == [kept[-1].id]
    code, said = await oms("inbox", "replay", "1")
    assert (code, said) == (0, f"1: nothing to do: {kept[0].state}\n")


async def fail(database: Database) -> None:
    """Set every observation aside."""
    for seen in await rows(database, "observation"):
        for _ in range(MAX_FAULTS):
            async with database.transaction() as tx:
                await later(tx, seen.id, NOW, Rest(0, "Broken: ck_orders_money", fault=True))


async def test_what_was_set_aside_goes_back_to_the_queue(
    oms: Oms, database: Database, cli_ring: KeyRing, door: httpx.AsyncClient
) -> None:
    await mend(database, cli_ring)
    for n in (1, 2):
        await send(door, message(no=f"D{n}"), signed(message(no=f"D{n}"), f"evt-{n}"))
    await fail(database)
    said = (await oms("inbox", "list", "--state", "failed"))[1].splitlines()
    assert [line.split()[0] for line in said] == ["id", "o2", "o1"]
    assert "observation_failed" in (await oms("alert", "list"))[1]
    assert await oms("inbox", "replay", "--failed") == (0, "o1: back in the queue\no2: back in the queue\n")
    seen = await rows(database, "observation")
    assert [(one.state, one.attempts, one.faults) for one in seen] == [("new", 0, 0)] * 2
    assert (await oms("alert", "list"))[1] == "no open alerts\n"
    assert await oms("inbox", "replay", "--failed") == (0, "nothing to replay\n")
    assert await oms("inbox", "replay", "o1") == (0, "o1: nothing to do: new\n")
    assert [entry[:2] for entry in await actions(database)] == [("cli", "observation.replayed")] * 2


async def test_messages_are_listed_by_state_and_source_without_persons(
    oms: Oms, database: Database, cli_ring: KeyRing, door: httpx.AsyncClient
) -> None:
    await send(door, message())
    await mend(database, cli_ring)
    await confirm(door, CONFIRM.format(biz="OB-1"), secret=None)
    for state, found in (("accepted", 0), ("unverified", 2), ("failed", 0), ("unparsable", 0)):
        said = (await oms("inbox", "list", "--state", state))[1]
        assert len(said.splitlines()) == 1 + found, state
        assert found or said == "no messages match\n"
    code, said = await oms("inbox", "list", "--source", "own")
    assert (code, said.splitlines()[1].split()[:3]) == (0, ["u1", "own/mall", "push"])
    assert len((await oms("inbox", "list", "--most", "1"))[1].splitlines()) == 2
    await oms("inbox", "replay", "u1")
    said = (await oms("inbox", "list"))[1]
    assert all(word in said for word in ("evt-1", "replayed", "accepted", "unverified"))
    assert not [word for word in PERSONAL if word in said]


async def test_a_body_is_shown_only_when_asked_for_and_that_is_on_record(
    oms: Oms, database: Database, door: httpx.AsyncClient
) -> None:
    body = message(remark="请放前台") + b"\x1b[2J"
    await send(door, body, signed(body))
    code, said = await oms("inbox", "show", "u1")
    assert code == 0
    assert "u1  own/mall  push  unverified" in said
    assert "reason: x-steadfast-signature" in said
    assert not [word for word in PERSONAL if word in said]
    assert await actions(database) == []
    code, said = await oms("inbox", "show", "u1", "--open", "--actor", "ann")
    assert (code, all(word in said for word in PERSONAL)) == (0, True)
    assert "\\x1b[2J" in said
    assert "\x1b" not in said
    assert await actions(database) == [("ann", "inbox.opened", None)]


async def test_an_accepted_message_shows_what_became_of_its_parts(
    oms: Oms, database: Database, cli_ring: KeyRing, door: httpx.AsyncClient
) -> None:
    await mend(database, cli_ring)
    await send(door, message())
    for name in ("1", "o1"):
        code, said = await oms("inbox", "show", name)
        assert (code, "1  own/mall  push  accepted" in said) == (0, True)
        assert "o1 order own:mall:D1: new" in said
    await oms("inbox", "show", "1", "--open")
    assert await actions(database) == [("cli", "inbox.opened", 1)]


ERRORS = [
    (("list", "--state", "lost"), 2, "known are accepted, unparsable, unverified, failed"),
    (("show", "u99"), 2, "there is no message u99"),
    (("show", "99", "--open"), 2, "there is no message 99"),
    (("show", "o99"), 2, "there is no observation o99"),
    (("show", "x1"), 2, "'x1' names no message"),
    (("replay",), 2, "name messages"),
    (("replay", "1", "--failed"), 2, "name messages"),
    (("replay", "--all-unverified"), 2, "needs --source VENDOR and --shop CODE"),
    (("replay", "--all-unverified", "--source", "own", "--shop", "none"), 2, "no shop own/none is connected"),
    (("replay", "1", "u0"), 2, "'u0' names no message"),
    (("replay", "u99"), 1, "u99: there is no such unverified message"),
    (("replay", "99"), 1, "99: there is no such message in the inbox"),
    (("replay", "o99"), 1, "o99: there is no such observation"),
]


async def test_an_inbox_command_that_cannot_be_says_why(oms: Oms, database: Database) -> None:
    for words, wanted, told in ERRORS:
        code, said = await oms("inbox", *words)
        assert (words, code) == (words, wanted)
        assert told in said
    assert await actions(database) == []


async def test_a_message_of_a_shop_that_is_gone_stays_kept(
    oms: Oms, database: Database, door: httpx.AsyncClient
) -> None:
    await send(door, message())
    async with database.transaction() as tx:
        await tx.execute(text("UPDATE shop SET active = false"))
    code, said = await oms("inbox", "replay", "u1")
    assert (code, "no shop own/mall is connected any more" in said) == (1, True)


async def test_a_message_that_cannot_be_opened_stops_no_other(
    oms: Oms, database: Database, cli_ring: KeyRing, door: httpx.AsyncClient
) -> None:
    for n in (1, 2):
        await send(door, message(no=f"D{n}"), signed(message(no=f"D{n}"), f"evt-{n}"))
    await mend(database, cli_ring)
    async with database.transaction() as tx:
        await tx.execute(text("UPDATE unverified SET raw_sealed = request_sealed WHERE id = 1"))
    code, said = await oms("inbox", "replay", "u1", "u2")
    assert code == 1
    assert said == ("u1: broken: sealed value was changed or belongs to another row\nu2: accepted as message 1\n")


async def test_a_message_out_of_a_queue_is_read_once_more_or_says_why_not(
    oms: Oms, database: Database, cli_ring: KeyRing
) -> None:
    """What a queue gave and nobody could read is kept like a webhook, and let in after the mend."""
    await connect(database, cli_ring, TAOBAO_QUEUE, replace(PDD, code="p"), replace(OWN, vendor="jd", code="j"))
    inbox = Inbox(database, cli_ring)
    for n, (source, shop, raw) in enumerate(
        (
            ("taobao", TAOBAO_QUEUE.code, queued()),
            ("taobao", TAOBAO_QUEUE.code, queued(content="{")),
            ("pdd", "p", b"{"),
            ("jd", "j", b"{"),
        )
    ):
        await inbox.keep_unparsable(Arrival(source, shop, "push", {}, raw, NOW), f"k{n}", "our fault")
    code, said = await oms("inbox", "replay", "1", "2", "3", "4")
    assert code == 1
    first, second, third, fourth = said.splitlines()
    assert first == "1: accepted as message 1"
    assert second.startswith("2: still cannot be read: content: the body is not JSON")
    assert third.startswith("3: still cannot be read: the body is not JSON")
    assert fourth.startswith("4: messages of jd are not read a second time")
    (hint,) = await rows(database, "observation")
    assert (hint.kind, hint.inbox_id) == ("hint", 1)


async def test_alerts_are_listed_worst_first_and_cleared_by_subject(oms: Oms, database: Database) -> None:
    assert await oms("alert", "list") == (0, "no open alerts\n")
    async with database.transaction() as tx:
        for kind, level, about in (
            ("late_refund", Level.WARNING, "own:mall:D1"),
            ("late_payment", Level.CRITICAL, "own:mall:D2"),
            ("observation_failed", Level.WARNING, "own:mall:D1"),
        ):
            await alerts.raise_alert(tx, NewAlert(kind, level, about, "look at [/it]"), NOW)
    said = (await oms("alert", "list"))[1].splitlines()
    assert [line.split()[0] for line in said[1:]] == ["critical", "warning", "warning"]
    assert "late_payment" in said[1]
    assert await oms("alert", "clear", "own:mall:D1", "--actor", "ann") == (0, "own:mall:D1: 2 cleared\n")
    assert len((await oms("alert", "list"))[1].splitlines()) == 2
    code, said_again = await oms("alert", "clear", "own:mall:D1")
    assert (code, "no open alert is about 'own:mall:D1'" in said_again) == (2, True)
    assert await actions(database) == [("ann", "alert.cleared", None)]


async def test_a_message_from_a_clock_that_is_off_is_marked_in_the_list(
    oms: Oms, database: Database, cli_ring: KeyRing
) -> None:
    """INT-12: more than ten minutes from now is a warning, eight hours look like a zone."""
    box = Inbox(database, cli_ring)
    for n, hours in enumerate((0, 8)):
        await box.accept(
            Arrival("kdniao", "express", "push", {}, b"raw", NOW), f"e{n}", NOW - timedelta(hours=hours), ()
        )
    code, said = await oms("inbox", "list")
    marked = [
        line for line in said.splitlines() if "its clock is 8 h behind our clock: that looks like a wrong" in line
    ]
    assert (code, [line.split()[0] for line in marked]) == (0, ["2"])
    code, said = await oms("alert", "list")
    assert (code, "clock:kdniao/express" in said) == (0, True)
