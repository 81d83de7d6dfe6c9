"""One order's page, its story, and opening what is sealed: on purpose and on record (SEC-1, INT-11, FUL-14)."""

from datetime import timedelta

import pytest

from domain.contacts import Contact, ContactForm
from domain.observations import ParcelState, ProcessReported
from domain.outgoing import Queue
from domain.waits import WaitFor
from store.database import Database
from store.inbox import Arrival, Inbox
from store.keyring import KeyRing
from store.opening import Opening, masked_name, masked_phone
from store.order_facts import SqlOrderFacts
from store.order_marks import SqlOrderMarks
from store.outgoing import SqlOutgoing
from store.reads.order_page import OrderPage, OrderPages
from store.reads.timeline import Kind, timeline
from store.replay import By
from store.shipment_intake import apply_process
from store.shipping_facts import SqlShippingFacts
from store.tracking_intake import apply_track
from tests.conftest import NOON
from tests.store.builders import (
    NAME,
    PHONE,
    TIMING,
    apply,
    confirm,
    key,
    order,
    package,
    rows,
    ship,
    stocked,
    track,
)

ANN = By("ann", NOON + timedelta(hours=3))
REMARK = "请周末送货"


async def page_of(database: Database, no: str = "T1") -> OrderPage:
    page = await OrderPages(database).page(key(no))
    assert page is not None
    return page


@pytest.fixture
async def told(database: Database, ring: KeyRing) -> Database:
    """T1 was picked, shipped as SF1 and signed; its messages lie in the inbox, its write-back was refused."""
    await stocked(database, ring, A=5)
    box = Inbox(database, ring)
    placed = order(skus={"A": 2}, remark=REMARK)
    await box.accept(Arrival("own", "demo", "push", {}, b'{"no":"T1"}', NOON), "e1", None, (placed, order("T9")))
    await apply(database, ring, placed)
    await SqlOrderFacts(database, ring).plan(key(), TIMING, NOON)
    signed = track("SF1", ParcelState.SIGNED, 90)
    async with database.transaction() as tx:
        await apply_process(tx, ProcessReported("T1-1", "PICK", NOON + timedelta(minutes=30)), 1)
    await ship(database, confirm(package("SF1", A=2)))
    await SqlShippingFacts(database).book_shipments(key(), TIMING, NOON)
    at = NOON + timedelta(minutes=91)
    await box.accept(Arrival("kdniao", "bird", "push", {}, b"signed", at), "e2", None, (signed,))
    async with database.transaction() as tx:
        await apply_track(tx, ring, signed, 2, at)
    queue = SqlOutgoing(database, ring)
    calls = Queue("writeback", "own", "demo")
    (call,) = await queue.claim(calls, at, 1)
    await queue.refused(calls, call, "no such order", at)
    return database


async def test_a_page_holds_everything_that_hangs_on_the_order(told: Database) -> None:
    page = await page_of(told)
    assert page.waiting is not None
    assert (page.waiting.wait.what, page.waiting.words.next) == (WaitFor.SIGNATURE, "the settlement wait")
    assert (page.order.stuck_reason, page.facts.paid_minor) == ("own/demo refused the shipment: no such order", 2000)
    assert [(one.sku, one.quantity) for one in page.lines] == [("A", 2)]
    assert sorted((one.kind, one.state) for one in page.held) == [("allocated", "consumed"), ("reserved", "allocated")]
    assert [(one.no, one.state) for one in page.fulfillments] == [("T1-1", "shipped")]
    assert [one.stage for one in page.reports] == ["PICK"]
    assert [(one.waybill_no, one.state) for one in page.parcels] == [("SF1", "signed")]
    assert [(one.waybill_no, one.location) for one in page.scans] == [("SF1", "广州市")]
    assert sorted((one.kind, one.state) for one in page.calls) == [("subscribe", "new"), ("writeback", "refused")]
    assert [one.event for one in page.deliveries] == ["paid", "shipped", "signed"]
    assert [(one.source, one.way, one.kind) for one in page.messages] == [
        ("own", "push", "order"),
        ("kdniao", "push", "track"),
    ]


async def test_an_order_that_is_not_there_has_no_page(told: Database) -> None:
    assert await OrderPages(told).page(key("T2")) is None


async def test_the_alerts_of_an_order_are_on_its_page_the_open_ones_first(told: Database) -> None:
    marks = SqlOrderMarks(told)
    await marks.park(key(), "refused (S1)", NOON)
    await marks.resume(key(), "ann", "retry", NOON)
    await marks.warn_late(key(), 2, NOON)
    page = await page_of(told)
    assert [(one.kind, one.cleared_at is None) for one in page.alerts] == [("ship_by_2", True), ("stuck", False)]


async def test_the_story_is_one_list_in_order_of_time_with_the_raw_message_of_each_entry(told: Database) -> None:
    page = await page_of(told)
    story = timeline(page)
    assert [one.at for one in story] == sorted(one.at for one in story)
    assert {one.kind for one in story} == set(Kind) - {Kind.ALERT, Kind.EVENT}
    assert (story[0].title, story[0].inbox_id) == ("message.order", page.messages[0].inbox_id)
    titles = [one.title for one in story]
    assert (
        titles.index("stage.PICK")
        < titles.index("scan")
        < titles.index("message.track")
        < titles.index("parcel.signed")
    )
    refused = next(one for one in story if one.title == "call.refused")
    assert (refused.who, refused.detail["reason"]) == ("own/demo", "no such order")


async def test_neither_page_nor_story_holds_personal_data(told: Database) -> None:
    page = await page_of(told)
    said = f"{page}{timeline(page)}"
    assert not [secret for secret in (PHONE, NAME, "人民路", REMARK) if secret in said]
    assert page.facts.has_remark


async def test_a_receiver_is_shown_masked_and_nobody_is_written_down(told: Database, ring: KeyRing) -> None:
    found = await Opening(told, ring).contact(key())
    assert found is not None
    assert (found.name, found.phone, found.address, found.remark) == ("张**", "138****8000", "", "")
    assert (found.masked, found.city) == (True, "广州市")
    assert await rows(told, "SELECT 1 FROM audit WHERE action = 'contact.revealed'") == []


async def test_a_receiver_is_shown_in_clear_and_who_saw_it_stands_in_the_story(told: Database, ring: KeyRing) -> None:
    found = await Opening(told, ring).reveal(key(), ANN)
    assert found is not None
    assert (found.name, found.phone, found.remark, found.masked) == (NAME, PHONE, REMARK, False)
    last = timeline(await page_of(told))[-1]
    assert (last.title, last.who, last.at) == ("contact.revealed", "ann", ANN.now)
    assert not [secret for secret in (PHONE, NAME, REMARK) if secret in f"{found}{last}"]


async def test_what_the_channel_masked_stays_as_it_came_and_ciphertext_is_not_shown(
    database: Database, ring: KeyRing
) -> None:
    region = ("广东省", "广州市", "")
    await apply(database, ring, order("M", contact=Contact(ContactForm.MASKED, *region, "李*", "139****0001")))
    await apply(database, ring, order("X", contact=Contact(ContactForm.CIPHERTEXT, *region, "~a~", "~b~", "~c~")), 2)
    opening = Opening(database, ring)
    masked, cipher = await opening.contact(key("M")), await opening.reveal(key("X"), ANN)
    assert masked is not None
    assert cipher is not None
    assert (masked.name, masked.phone) == ("李*", "139****0001")
    assert (cipher.form, cipher.name, cipher.phone, cipher.address) == (ContactForm.CIPHERTEXT, "", "", "")


async def test_nothing_is_opened_and_nobody_written_down_where_there_is_nothing(told: Database, ring: KeyRing) -> None:
    before = await rows(told, "SELECT count(*) FROM audit")
    opening = Opening(told, ring)
    nothing = [await opening.contact("x"), await opening.reveal("x", ANN), await opening.message(10**9, ANN)]
    assert [*nothing, await opening.unverified(10**9, ANN), await opening.scan_texts("SF", "SF9", ANN)] == [
        None
    ] * 4 + [[]]
    assert await rows(told, "SELECT count(*) FROM audit") == before


async def test_a_raw_message_opens_byte_for_byte_and_who_opened_it_is_on_record(told: Database, ring: KeyRing) -> None:
    (inbox_id,) = {one.inbox_id for one in (await page_of(told)).messages if one.kind == "order"}
    opened = await Opening(told, ring).message(inbox_id, ANN)
    assert opened is not None
    assert (opened.raw, opened.source, opened.way) == (b'{"no":"T1"}', "own", "push")
    entries = await rows(told, "SELECT actor, subject, inbox_id FROM audit WHERE action = 'inbox.opened'")
    assert [tuple(row) for row in entries] == [("ann", "own/demo", inbox_id)]


async def test_a_message_that_could_not_be_verified_opens_too(told: Database, ring: KeyRing) -> None:
    await Inbox(told, ring).keep_unverified(
        Arrival("own", "demo", "push", {}, b"forged?", NOON), "signature does not match"
    )
    ((number,),) = await rows(told, "SELECT id FROM unverified")
    opened = await Opening(told, ring).unverified(number, ANN)
    assert opened is not None
    assert opened.raw == b"forged?"
    ((detail,),) = await rows(told, "SELECT detail FROM audit WHERE action = 'inbox.opened'")
    assert detail == {"message": f"u{number}"}


async def test_the_couriers_words_open_and_who_read_them_stands_in_the_story(told: Database, ring: KeyRing) -> None:
    (scan,) = await Opening(told, ring).scan_texts("SF", "SF1", ANN)
    assert PHONE in scan.text
    assert PHONE not in str(scan)
    assert timeline(await page_of(told))[-1].title == "scans.opened"


PHONES = [("13812341234", "138****1234"), ("+86 138-1234-1234", "138****1234"), ("021-63001234", "021****1234")]


@pytest.mark.parametrize(("phone", "shown"), [*PHONES, ("12345", "****45"), ("", "")])
def test_a_phone_is_masked_in_the_middle(phone: str, shown: str) -> None:
    assert masked_phone(phone) == shown


@pytest.mark.parametrize(("name", "shown"), [("张三", "张*"), ("欧阳娜娜", "欧**"), ("李", "李"), ("", "")])
def test_a_name_keeps_its_first_character(name: str, shown: str) -> None:
    assert masked_name(name) == shown
