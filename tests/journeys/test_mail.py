"""Buyers' letters come to the board over IMAP's real wire, each once, whatever the server does (EXC-4, INT-11)."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from temporalio.testing import ActivityEnvironment

from activities.drain import DrainActivities
from activities.mail import MailReading
from activities.ports_mail import Mailbox as Reader
from clients.clock import utc_now
from connectors.mail.imap import MOST_BYTES, ImapMailbox
from domain.errors import Broken, Unavailable
from domain.mail import LETTERS, MailPlace
from domain.outgoing import Queue
from domain.shops import Shop
from domain.timing import Timing
from simulator.mailbox import Mailbox
from store.database import Database
from store.inbox import Inbox
from store.keyring import KeyRing
from store.mailboxes import SqlMailboxes
from store.outgoing import SqlOutgoing
from store.reread import SqlReread
from store.tracking import SqlTracking
from tests.connectors.test_letters import HELP, letter
from tests.payments import FakeProvider, OnlyPayments
from tests.store.builders import TIMING, rows, value
from tests.workflows.house import LOOPS, PULLS
from workers.apply import apply_some

QUEUE = Queue(LETTERS, "imap", "help")
PERIOD = 60.0


@pytest.fixture
async def box() -> AsyncIterator[Mailbox]:
    made = Mailbox("oms", "secret")
    await made.start()
    yield made
    await made.stop()


def at(box: Mailbox, **changes: object) -> ImapMailbox:
    """Our reader of the account."""
    shop: Shop = replace(HELP, **({"endpoint_url": f"imap://127.0.0.1:{box.port}"} | changes))  # type: ignore[arg-type]
    return ImapMailbox(shop, httpx.AsyncClient(), utc_now)


class Vendors(OnlyPayments):
    """Vendors of whom only the mail account is asked."""

    reader: Reader

    async def mailbox(self, vendor: str, code: str) -> Reader:
        return self.reader


class Town:
    """The store with a drain that reads one account; each turn a period later."""

    def __init__(self, database: Database, ring: KeyRing, reader: Reader) -> None:
        self.database, self.ring, self.now = database, ring, utc_now()
        self.vendors = Vendors(FakeProvider())
        self.vendors.reader = reader

    async def turn(self, *, later: float = PERIOD) -> None:
        """Let the drain look once, and book what it found."""
        self.now += timedelta(seconds=later)
        outgoing, rereads = SqlOutgoing(self.database, self.ring), SqlReread(self.database, self.ring)
        tracking = SqlTracking(self.database, self.ring, 60)
        drains = DrainActivities(outgoing, tracking, rereads, self.vendors, lambda: self.now)
        mail = MailReading(SqlMailboxes(self.database, self.ring, PERIOD), self.vendors, lambda: self.now)
        drains.also(LETTERS, mail.read, mail.due)
        await ActivityEnvironment().run(drains.drain, QUEUE, LOOPS, 1)
        while (await apply_some(self.database, self.ring, Timing(1, TIMING, LOOPS, PULLS), self.now)).taken:
            pass

    async def count(self, what: str) -> int:
        return int(await value(self.database, f"SELECT count(*) FROM {what}"))  # noqa: S608


async def test_letters_become_tickets_once_and_are_kept_as_received(
    database: Database, ring: KeyRing, box: Mailbox
) -> None:
    town = Town(database, ring, at(box))
    first = letter().as_bytes()
    box.write(first)
    box.write(letter("自动回复", Auto_Submitted="auto-replied", Message_ID="<auto@a>").as_bytes())
    await town.turn()
    assert (await town.count("ticket"), await town.count("inbox")) == (1, 2)
    kept = (await rows(database, "SELECT id FROM inbox ORDER BY id"))[0].id
    assert (await Inbox(database, ring).raw(kept)).replace(b"\r\n", b"\n") == first
    await town.turn(later=1)
    assert box.read == [1, 2], "its turn has not come"
    await town.turn()
    assert box.read == [1, 2], "what was read is not read again"
    box.write(letter("还没到", Message_ID="<m2@a>", In_Reply_To="<m1@example.com>").as_bytes())
    await town.turn()
    assert (await town.count("ticket"), await town.count("ticket_entry")) == (1, 2)
    box.fresh()
    await town.turn()
    assert (await town.count("ticket"), await town.count("ticket_entry"), await town.count("inbox")) == (1, 2, 3)


async def test_more_letters_than_one_reading_takes_come_in_the_next_ones_without_a_wait(
    database: Database, ring: KeyRing, box: Mailbox
) -> None:
    town = Town(database, ring, at(box))
    for n in range(25):
        box.write(letter(Message_ID=f"<n{n}@a>").as_bytes())
    await town.turn()
    assert await town.count("ticket") == 20
    await town.turn(later=0)
    assert await town.count("ticket") == 25


async def test_a_letter_that_is_too_large_is_kept_up_to_there_and_told(
    database: Database, ring: KeyRing, box: Mailbox
) -> None:
    made = letter("图片在附件里")
    made.add_attachment(b"\0" * MOST_BYTES, maintype="image", subtype="png", filename="a.png")
    box.write(made.as_bytes())
    box.write(letter(Message_ID="<m2@a>").as_bytes())
    post = await at(box).letters(MailPlace())
    assert [len(one.raw) for one in post.letters] == [MOST_BYTES]
    assert post.more
    seen = post.letters[0].seen
    assert seen is not None
    assert "图片在附件里" in seen.words
    assert seen.notes[0].startswith(f"the letter has {len(made.as_bytes())} bytes; the first {MOST_BYTES} are kept")
    assert [one.uid for one in (await at(box).letters(MailPlace(1, 1))).letters] == [2]


async def test_a_server_that_is_away_is_told_of_at_the_third_time_and_nothing_is_lost(
    database: Database, ring: KeyRing, box: Mailbox
) -> None:
    town = Town(database, ring, at(box))
    box.write(letter().as_bytes())
    box.hang = True
    for _ in range(3):
        await town.turn(later=32 * PERIOD)
    (alert,) = await rows(database, "SELECT kind, subject, words FROM alert WHERE cleared_at IS NULL")
    assert (alert.kind, alert.subject) == ("mailbox", "imap/help")
    box.hang = False
    await town.turn(later=PERIOD)
    assert await town.count("ticket") == 0, "who fails is left alone for longer"
    await town.turn(later=32 * PERIOD)
    assert await town.count("ticket") == 1
    assert await town.count("alert WHERE cleared_at IS NULL") == 0


async def test_a_wrong_login_folder_or_address_is_named(box: Mailbox) -> None:
    with pytest.raises(Broken, match="does not take the login of imap/help"):
        await at(box, secrets=("wrong",)).letters(MailPlace())
    with pytest.raises(Broken, match="no folder 'Spam'"):
        await at(box, params={"folder": "Spam"}).letters(MailPlace())
    with pytest.raises(Broken, match="the URL is none of imaps"):
        await at(box, endpoint_url="https://mail.example").letters(MailPlace())
    with pytest.raises(Unavailable, match="cannot be used now"):
        await at(box, endpoint_url="imap://127.0.0.1:1").letters(MailPlace())
    await box.stop()
