"""Applying what a channel says of an order (INT-6, INV-2): one order, one reservation, nothing moves back."""

import asyncio
from datetime import timedelta

import pytest

from domain.contacts import Contact, ContactForm
from domain.errors import Broken
from domain.observations import ChannelStatus
from store.contacts import load, phone_index, save
from store.database import Database
from store.keyring import KeyRing
from store.order_facts import SqlOrderFacts
from tests.conftest import NOON
from tests.store.builders import (
    NAME,
    PHONE,
    RECEIVER,
    apply,
    assert_counters_add_up,
    counters,
    facts,
    key,
    line,
    order,
    rows,
    stocked,
    value,
)

S = ChannelStatus


async def test_the_first_observation_books_the_order_reserves_and_wakes_it(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=5, B=5)
    lines = (line("1", "A", 2), line("2", "B", 1), line("3", "A", 1))
    assert await apply(database, ring, order(status=S.UNPAID, lines=lines), 7) == "applied"
    assert await counters(database, "A") == (5, 3, 0)
    assert await counters(database, "B") == (5, 1, 0)
    row = (await rows(database, "SELECT * FROM orders"))[0]
    assert (row.key, row.status, row.payment_status, row.total_minor) == (key(), "unpaid", "unpaid", 4000)
    assert (row.wait_for, row.wait_since, row.channel_inbox_id) == ("start", NOON, 7)
    held = await rows(database, "SELECT line_no, expires_at FROM reservation WHERE state = 'open' ORDER BY line_no")
    assert [tuple(one) for one in held] == [(no, NOON + timedelta(minutes=30)) for no in "123"]
    assert [one.event for one in await rows(database, "SELECT event FROM delivery")] == ["placed"]
    assert await value(database, "SELECT inbox_id FROM audit WHERE action = 'order.accepted'") == 7
    await assert_counters_add_up(database)


async def test_a_second_observation_does_not_reserve_again(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=5)
    await apply(database, ring, order(status=S.UNPAID, skus={"A": 2}), 1)
    assert await apply(database, ring, order(status=S.PAID, skus={"A": 2}, minute=1), 2) == "applied"
    assert await counters(database) == (5, 2, 0)
    row = (await rows(database, "SELECT * FROM orders"))[0]
    assert (row.channel_status, row.payment_status, row.paid_minor) == ("paid", "paid", 2000)
    assert row.paid_at == NOON + timedelta(minutes=1)
    assert [one.event for one in await rows(database, "SELECT event FROM delivery ORDER BY id")] == ["placed", "paid"]


@pytest.mark.parametrize(("status", "minute", "inbox_id"), [(S.UNPAID, 0, 3), (S.PAID, 1, 2), (S.UNPAID, 1, 9)])
async def test_a_stale_observation_changes_nothing(
    database: Database, ring: KeyRing, status: ChannelStatus, minute: int, inbox_id: int
) -> None:
    await stocked(database, ring, A=5)
    await apply(database, ring, order(minute=1), 2)
    before = await facts(database)
    assert await apply(database, ring, order(status=status, minute=minute), inbox_id) == "stale"
    assert await facts(database) == before


async def test_after_its_close_an_order_records_what_comes_late_and_is_not_woken(
    database: Database, ring: KeyRing
) -> None:
    await stocked(database, ring, A=5)
    await apply(database, ring, order(status=S.UNPAID))
    await SqlOrderFacts(database, ring).close(key(), "unpaid", NOON)
    woken = await value(database, "SELECT count(*) FROM delivery")
    assert await apply(database, ring, order(status=S.PAID, minute=5), 2) == "late"
    assert await value(database, "SELECT count(*) FROM delivery") == woken
    assert await value(database, "SELECT paid_minor FROM orders") == 1000
    assert await value(database, "SELECT detail ->> 'status' FROM audit WHERE action = 'order.late'") == "paid"
    assert await counters(database) == (5, 0, 0)


ALERTS = "SELECT kind, level, subject FROM alert"


async def test_a_payment_after_the_close_of_an_unpaid_order_alerts_at_once(database: Database, ring: KeyRing) -> None:
    await apply(database, ring, order(status=S.UNPAID))
    await SqlOrderFacts(database, ring).close(key(), "unpaid", NOON)
    assert await apply(database, ring, order(status=S.UNPAID, minute=1), 2) == "late"
    assert await rows(database, ALERTS) == []
    for inbox_id, status in enumerate((S.PAID, S.SHIPPED), 3):
        assert await apply(database, ring, order(status=status, minute=inbox_id), inbox_id) == "late"
    assert [tuple(one) for one in await rows(database, ALERTS)] == [("late_payment", "1-critical", key())]
    assert await value(database, "SELECT payment_status FROM orders") == "paid"


@pytest.mark.parametrize(("status", "kind"), [(S.REFUNDED, "late_refund"), (S.CANCELLED, "late_cancel")])
async def test_the_end_of_a_completed_order_on_its_channel_alerts(
    database: Database, ring: KeyRing, status: ChannelStatus, kind: str
) -> None:
    await apply(database, ring, order())
    await SqlOrderFacts(database, ring).complete(key(), NOON)
    assert await apply(database, ring, order(status=status, minute=1), 2) == "late"
    assert [tuple(one) for one in await rows(database, ALERTS)] == [(kind, "2-warning", key())]
    assert await value(database, "SELECT channel_status FROM orders") == status.value
    assert await value(database, "SELECT count(*) FROM delivery") == 1


async def test_a_later_unpaid_takes_no_payment_back(database: Database, ring: KeyRing) -> None:
    await apply(database, ring, order())
    before = (await rows(database, "SELECT * FROM orders"))[0]
    assert await apply(database, ring, order(status=S.UNPAID, minute=5), 2) == "contradiction"
    assert (await rows(database, "SELECT * FROM orders"))[0] == before
    entry = (await rows(database, "SELECT detail, inbox_id FROM audit WHERE action = 'order.contradiction'"))[0]
    assert tuple(entry) == ({"was": "paid", "status": "unpaid"}, 2)


async def test_a_payment_that_arrives_after_a_later_unpaid_counts(database: Database, ring: KeyRing) -> None:
    await apply(database, ring, order(status=S.UNPAID, minute=5))
    assert await apply(database, ring, order(), 2) == "applied"
    row = (await rows(database, "SELECT payment_status, paid_minor, channel_status FROM orders"))[0]
    assert tuple(row) == ("paid", 1000, "paid")
    assert [one.event for one in await rows(database, "SELECT event FROM delivery ORDER BY id")] == ["placed", "paid"]
    assert await value(database, "SELECT count(*) FROM audit WHERE action = 'order.contradiction'") == 1


async def test_a_cancellation_leaves_the_payment_and_a_refund_takes_it_back(database: Database, ring: KeyRing) -> None:
    await apply(database, ring, order())
    await apply(database, ring, order(status=S.CANCELLED, minute=1), 2)
    money = "SELECT payment_status, paid_minor, refunded_minor FROM orders"
    assert tuple((await rows(database, money))[0]) == ("paid", 1000, 0)
    await apply(database, ring, order(status=S.REFUNDED, minute=2), 3)
    assert tuple((await rows(database, money))[0]) == ("refunded", 1000, 1000)


async def test_when_one_line_is_short_nothing_is_reserved_and_the_skus_are_named(
    database: Database, ring: KeyRing
) -> None:
    await stocked(database, ring, A=5, B=1)
    assert await apply(database, ring, order(skus={"A": 2, "B": 2, "C": 1})) == "applied"
    assert await counters(database, "A") == (5, 0, 0)
    assert await counters(database, "B") == (1, 0, 0)
    assert await rows(database, "SELECT * FROM reservation") == []
    assert await value(database, "SELECT detail -> 'short' FROM audit WHERE action = 'order.accepted'") == ["B", "C"]
    assert [one.event for one in await rows(database, "SELECT event FROM delivery")] == ["paid"]


@pytest.mark.parametrize("status", [S.CANCELLED, S.REFUNDED])
async def test_an_order_first_seen_at_its_end_reserves_nothing(
    database: Database, ring: KeyRing, status: ChannelStatus
) -> None:
    await stocked(database, ring, A=5)
    assert await apply(database, ring, order(status=status)) == "applied"
    assert await counters(database) == (5, 0, 0)


async def test_ten_messages_of_one_order_at_once_make_one_order_and_one_reservation(
    database: Database, ring: KeyRing
) -> None:
    await stocked(database, ring, A=50)
    seen = [order(status=S.UNPAID if n < 5 else S.PAID, minute=n) for n in range(10)]
    answers = await asyncio.gather(*(apply(database, ring, one, n) for n, one in enumerate(seen, 1)))
    assert set(answers) <= {"applied", "stale"}
    row = (await rows(database, "SELECT channel_status, channel_time, channel_inbox_id FROM orders"))[0]
    assert tuple(row) == ("paid", NOON + timedelta(minutes=9), 10)
    assert await counters(database) == (50, 1, 0)
    await assert_counters_add_up(database)


async def test_an_order_whose_amounts_do_not_add_up_is_refused_without_a_trace(
    database: Database, ring: KeyRing
) -> None:
    await stocked(database, ring, A=5)
    with pytest.raises(Broken, match="ck_orders_adds_up"):
        await apply(database, ring, order(total_minor=1))
    assert await counters(database) == (5, 0, 0)
    assert await rows(database, "SELECT * FROM orders") == []


async def test_a_receiver_comes_back_as_given_and_is_readable_nowhere(database: Database, ring: KeyRing) -> None:
    """SEC-1."""
    await apply(database, ring, order(remark=f"请打 {PHONE}"))
    async with database.transaction() as tx:
        assert await load(tx, ring, key()) == RECEIVER
    for table, words in (await facts(database)).items():
        for person in (NAME, PHONE, "人民路"):
            assert person not in "".join(words), table
    sealed = (await rows(database, "SELECT name_sealed, phone_sealed, address_sealed FROM contact"))[0]
    assert all(one and NAME.encode() not in one and PHONE.encode() not in one for one in sealed)


async def test_a_later_receiver_replaces_the_earlier_and_a_hidden_one_has_no_phone_index(
    database: Database, ring: KeyRing
) -> None:
    await apply(database, ring, order())
    masked = Contact(ContactForm.MASKED, "上海市", "上海市", "", "张**", "138****8000", "", "oaid-1", "merge-1")
    async with database.transaction() as tx:
        await save(tx, ring, key(), masked)
        assert await load(tx, ring, key()) == masked
    assert await value(database, "SELECT phone_index FROM contact") == ""


@pytest.mark.parametrize(
    "spelling", ["+8613800138000", "+86 138 0013 8000", "138-0013-8000", "0086 13800138000", "１３８００１３８０００"]
)
def test_one_phone_number_has_one_index_however_it_is_written(ring: KeyRing, spelling: str) -> None:
    assert phone_index(ring, spelling) == phone_index(ring, PHONE)
    assert phone_index(ring, spelling) != phone_index(ring, "13800138001")


def test_what_is_no_phone_number_still_has_an_index(ring: KeyRing) -> None:
    assert phone_index(ring, "ask at the gate") == phone_index(ring, "Ask at the gate ")
