"""The inbox: accepted once, kept byte for byte, sealed, and never shadowed by a forgery (INT-4, INT-6, INT-11)."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from store import inbox
from store.database import Database
from store.inbox import UNVERIFIED_ROW_BYTES, Arrival, Inbox, request_of
from store.keyring import KeyRing
from tests.conftest import NOON
from tests.store.builders import NAME, PHONE, facts, order, rows, value

RAW = f'{{"no": "T1", "name": "{NAME}", "phone": "{PHONE}"}}\r\n'.encode() + bytes(range(256))
PUSH = Arrival("own", "demo", "push", {"content-type": "application/json", "cookie": "s=1"}, RAW, NOON)


@pytest.fixture
def box(database: Database, ring: KeyRing) -> Inbox:
    return Inbox(database, ring)


async def test_a_message_is_accepted_once_and_its_duplicate_changes_nothing(database: Database, box: Inbox) -> None:
    assert await box.accept(PUSH, "e1", NOON, (order(),))
    before = await facts(database)
    assert not await box.accept(PUSH, "e1", NOON, (order(),))
    assert not await box.accept(replace(PUSH, raw=b"other body", way="pull"), "e1", None, (order("T2"),))
    assert await facts(database) == before


async def test_of_twenty_identical_messages_at_once_exactly_one_is_accepted(database: Database, box: Inbox) -> None:
    answers = await asyncio.gather(*(box.accept(PUSH, "e1", NOON, (order(),)) for _ in range(20)))
    assert sorted(answers) == [False] * 19 + [True]
    assert await value(database, "SELECT count(*) FROM observation") == 1


async def test_the_same_key_of_another_shop_or_source_is_another_message(database: Database, box: Inbox) -> None:
    for arrival in (PUSH, replace(PUSH, shop="other"), replace(PUSH, source="taobao")):
        assert await box.accept(arrival, "e1", NOON, ())
    assert await value(database, "SELECT count(*) FROM inbox") == 3


async def test_a_raw_message_is_opened_byte_for_byte_as_it_was_received(database: Database, box: Inbox) -> None:
    await box.accept(PUSH, "e1", NOON, (order(),))
    assert await box.raw(await value(database, "SELECT id FROM inbox")) == RAW


async def test_nothing_personal_is_readable_in_what_the_inbox_stores(database: Database, box: Inbox) -> None:
    await box.accept(PUSH, "e1", NOON, (order(),))
    await box.keep_unparsable(PUSH, "e2", "no such field")
    await box.keep_unverified(replace(PUSH, query={"phone": PHONE}), "bad signature")
    stored = await rows(database, "SELECT raw_sealed AS sealed, i::text AS words FROM inbox i")
    stored += await rows(database, "SELECT raw_sealed AS sealed, u::text AS words FROM unverified u")
    stored += await rows(database, "SELECT request_sealed AS sealed, reason AS words FROM unverified")
    stored += await rows(database, "SELECT body_sealed AS sealed, o::text AS words FROM observation o")
    assert len(stored) == 5
    for row in stored:
        sealed, words = row.sealed, row.words
        for person in (PHONE, NAME):
            assert person.encode() not in sealed
            assert person not in words


async def test_only_headers_that_help_later_are_kept(database: Database, box: Inbox) -> None:
    await box.accept(PUSH, "e1", NOON, ())
    assert await value(database, "SELECT headers FROM inbox") == {"content-type": "application/json"}


async def test_a_time_that_is_off_is_noted_in_seconds(database: Database, box: Inbox) -> None:
    """INT-12."""
    await box.accept(PUSH, "e1", NOON - timedelta(minutes=11), ())
    await box.accept(PUSH, "e2", None, ())
    drifts = await rows(database, "SELECT drift_seconds FROM inbox ORDER BY id")
    assert [row[0] for row in drifts] == [660.0, None]


async def test_an_unparsable_message_is_kept_once_with_its_reason(database: Database, box: Inbox) -> None:
    assert await box.keep_unparsable(PUSH, "e1", "field no is missing")
    assert not await box.keep_unparsable(PUSH, "e1", "field no is missing")
    row = (await rows(database, "SELECT id, state, reason FROM inbox"))[0]
    assert (row.state, row.reason) == ("unparsable", "field no is missing")
    assert await box.raw(row.id) == RAW
    assert await value(database, "SELECT count(*) FROM observation") == 0


async def test_an_unparsable_message_does_not_shadow_a_later_readable_one(box: Inbox) -> None:
    await box.keep_unparsable(PUSH, "e1", "field no is missing")
    assert await box.accept(PUSH, "e1", NOON, (order(),))


async def test_a_forged_message_with_the_same_key_does_not_shadow_the_genuine_one(
    database: Database, box: Inbox
) -> None:
    for _ in range(3):
        assert await box.keep_unverified(replace(PUSH, raw=b"forged"), "wrong signature")
    assert await box.accept(PUSH, "e1", NOON, (order(),))
    assert await value(database, "SELECT count(*) FROM unverified") == 3
    assert await value(database, "SELECT count(*) FROM observation") == 1


async def test_what_is_unverified_is_capped_per_source_and_shop(
    database: Database, box: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    each = len(RAW) + len(request_of(PUSH)) + UNVERIFIED_ROW_BYTES
    monkeypatch.setattr(inbox, "UNVERIFIED_BYTES_PER_SOURCE", 3 * each)
    assert [await box.keep_unverified(PUSH, "wrong signature") for _ in range(4)] == [True, True, True, False]
    assert await box.keep_unverified(replace(PUSH, shop="other"), "wrong signature")
    assert await box.accept(PUSH, "e1", NOON, ())
    assert await value(database, "SELECT count(*) FROM unverified") == 4


async def test_body_query_and_headers_fill_the_share_together(
    database: Database, box: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "UNVERIFIED_BYTES_PER_SOURCE", 4096)
    for wide in (
        replace(PUSH, raw=b"x" * 4096),
        replace(PUSH, query={"q": "x" * 4096}),
        replace(PUSH, headers={"x-long": "x" * 4096}),
        replace(PUSH, raw=b"x" * 2000, query={"q": "x" * 2000}),
    ):
        assert not await box.keep_unverified(wide, "wrong signature")
    assert await box.keep_unverified(replace(PUSH, raw=b"x" * 2000), "wrong signature")
    assert await value(database, "SELECT size_bytes FROM unverified") > 2000


async def test_the_fifth_message_in_five_minutes_that_cannot_be_verified_is_told_once(
    database: Database, ring: KeyRing
) -> None:
    """INT-14, incident I-6: a changed key is noticed at the fifth callback, not at the three hundredth."""
    box = Inbox(database, ring)
    for n in range(7):
        told = await rows(database, "SELECT words FROM alert WHERE kind = 'signatures'")
        assert len(told) == (n >= 5), f"after {n}"
        await box.keep_unverified(replace(PUSH, received_at=NOON + timedelta(seconds=30 * n)), "wrong signature")
    (alert,) = await rows(database, "SELECT * FROM alert")
    assert (alert.level, alert.subject) == ("1-critical", "own/demo")
    assert "oms shop key own demo" in alert.words


async def test_five_in_a_longer_time_are_nothing_to_tell(database: Database, ring: KeyRing) -> None:
    box = Inbox(database, ring)
    for n in range(6):
        await box.keep_unverified(replace(PUSH, received_at=NOON + timedelta(minutes=2 * n)), "wrong signature")
    assert await rows(database, "SELECT * FROM alert") == []
