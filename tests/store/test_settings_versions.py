"""Settings documents come in force in turn, never silently over each other, and can be taken back (CFG-1)."""

import asyncio
from copy import deepcopy
from typing import Any

import pytest

from domain.errors import BadInput
from domain.observations import ChannelStatus
from domain.status_map import StatusMeaning
from store import settings_docs
from store.database import Database
from store.keyring import KeyRing
from store.settings_trial import try_out
from store.settings_versions import Activated, Change, SettingVersions
from tests.conftest import NOON
from tests.store.builders import apply, change, order, rows, stocked, value
from tests.store.test_unmapped import alerts_open, apply_all, hear, raw

S = ChannelStatus


def by(author: str = "ann", base: int = 1) -> Change:
    return Change(author, "because", NOON, base)


async def body_of(database: Database, kind: str) -> dict[str, Any]:
    return deepcopy((await SettingVersions(database).one(kind)).body)


async def with_code(database: Database, code: str, meaning: dict[str, Any]) -> dict[str, Any]:
    body = await body_of(database, "status_map")
    body["channels"]["douyin"][code] = meaning
    return body


async def test_a_new_version_is_in_force_beside_the_old_one_and_on_record(fresh: Database) -> None:
    body = await body_of(fresh, "risk") | {"ip_orders": 9}
    assert await SettingVersions(fresh).activate("risk", body, by()) == Activated(2, 1)
    async with fresh.transaction() as tx:
        rules = await settings_docs.risk(tx)
    assert (rules.version, rules.ip_orders) == (2, 9)
    told = [(row.version, row.active, row.author) for row in await SettingVersions(fresh).rows("risk")]
    assert told == [(2, True, "ann"), (1, False, "shipped default")]
    (entry,) = await rows(fresh, "SELECT * FROM audit")
    assert (entry.action, entry.actor, entry.subject) == ("setting.activated", "ann", "risk")
    assert entry.detail == {"version": 2, "was": 1, "reason": "because"}


async def test_a_senseless_document_changes_nothing(fresh: Database) -> None:
    before = await rows(fresh, "SELECT * FROM setting")
    with pytest.raises(BadInput, match=r"risk: ip_orders: .*greater than or equal to 2, found 1"):
        await SettingVersions(fresh).activate("risk", await body_of(fresh, "risk") | {"ip_orders": 1}, by())
    assert await rows(fresh, "SELECT * FROM setting") == before


async def test_the_same_document_in_other_words_is_no_new_version(fresh: Database) -> None:
    same = await with_code(fresh, "2", {"status": "paid", "may_ship": True, "partial": False})
    with pytest.raises(BadInput, match="says the same"):
        await SettingVersions(fresh).activate("status_map", same, by())


async def test_of_two_activations_at_once_one_is_refused_by_name(fresh: Database) -> None:
    body = await body_of(fresh, "risk")
    versions = SettingVersions(fresh)
    both = (versions.activate("risk", body | {"ip_orders": n}, by(f"user-{n}")) for n in (7, 8))
    done = await asyncio.gather(*both, return_exceptions=True)
    refused = [one for one in done if isinstance(one, BadInput)]
    assert done.count(Activated(2, 1)) == len(refused) == 1
    assert "risk version 2 by user-" in str(refused[0])
    assert "made from version 1" in str(refused[0])


async def test_a_rollback_is_a_new_version_with_the_old_body(fresh: Database) -> None:
    old = await body_of(fresh, "risk")
    versions = SettingVersions(fresh)
    await versions.activate("risk", old | {"ip_orders": 9}, by())
    assert await versions.roll_back("risk", 1, by("bob", 2)) == Activated(3, 2)
    assert (await versions.one("risk")).body == old
    last = (await rows(fresh, "SELECT * FROM audit ORDER BY id"))[-1]
    assert (last.action, last.actor, last.detail["to"]) == ("setting.rolled_back", "bob", 1)
    with pytest.raises(BadInput, match="version 3 is in force already"):
        await versions.roll_back("risk", 3, by("bob", 3))
    with pytest.raises(BadInput, match="no version 8"):
        await versions.roll_back("risk", 8, by("bob", 3))


async def test_an_old_timing_document_can_be_taken_back_though_it_lacks_a_new_value(fresh: Database) -> None:
    await change(fresh, "UPDATE setting SET body = body - 'breaker_retry_seconds' WHERE kind = 'timing'")
    body = settings_docs.filled("timing", await body_of(fresh, "timing"))
    await SettingVersions(fresh).activate("timing", body | {"settle_seconds": {"live": 9, "demo": 1}}, by())
    assert (await SettingVersions(fresh).roll_back("timing", 1, by(base=2))).version == 3


async def test_a_code_that_becomes_known_is_booked_and_its_alert_is_gone(fresh: Database, ring: KeyRing) -> None:
    """INT-13: the mend needs no deploy, no restart and no replay by hand."""
    await hear(fresh, ring, raw("1"), raw("777", minute=1))
    assert await apply_all(fresh, ring) == ["unmapped", "applied"]
    body = await with_code(fresh, "777", {"status": "cancelled"})
    assert await SettingVersions(fresh).activate("status_map", body, by()) == Activated(2, 1, queued=1)
    assert await alerts_open(fresh) == []
    assert await apply_all(fresh, ring) == ["applied"]
    assert await value(fresh, "SELECT channel_status FROM orders") == "cancelled"


async def test_a_rollback_to_a_map_that_knows_a_code_lets_it_in_too(fresh: Database, ring: KeyRing) -> None:
    body = await body_of(fresh, "status_map")
    del body["channels"]["douyin"]["2"]
    await SettingVersions(fresh).activate("status_map", body, by())
    await hear(fresh, ring, raw("2"))
    assert await apply_all(fresh, ring) == ["unmapped"]
    assert (await SettingVersions(fresh).roll_back("status_map", 1, by(base=2))).queued == 1
    assert await apply_all(fresh, ring) == ["applied"]


async def test_a_map_is_tried_on_past_orders_and_waiting_messages_and_nothing_is_changed(
    fresh: Database, ring: KeyRing
) -> None:
    await apply(fresh, ring, order("OWN", raw_status="paid"))
    await hear(fresh, ring, raw("4"), raw("4", "T2"), raw("2", "T3"), raw("777", "T4"))
    await apply_all(fresh, ring)
    body = await with_code(fresh, "777", {"status": "paid"})
    body["channels"]["douyin"]["4"] = {"status": "refunded"}
    del body["channels"]["douyin"]["2"]
    del body["channels"]["own"]["paid"]
    before = await rows(fresh, "SELECT * FROM setting")
    trial = await try_out(fresh, "status_map", body)
    assert trial.base == 1
    assert '~ channels.douyin.4.status: "cancelled" -> "refunded"' in trial.lines
    assert trial.orders == {("douyin", "4", "cancelled -> refunded"): 2, ("douyin", "2", "paid -> unknown"): 1}
    assert trial.booked == {("douyin", "777"): 1}
    assert await rows(fresh, "SELECT * FROM setting") == before


async def test_the_next_message_is_read_with_the_new_map_without_a_restart(fresh: Database, ring: KeyRing) -> None:
    async with fresh.transaction() as tx:
        assert (await settings_docs.status_map(tx)).version == 1
    await SettingVersions(fresh).activate("status_map", await with_code(fresh, "2", {"status": "signed"}), by())
    async with fresh.transaction() as tx:
        assert (await settings_docs.status_map(tx)).meaning("douyin", "2") == StatusMeaning(S.SIGNED)


async def test_rules_that_show_another_number_are_followed_by_every_channel(fresh: Database, ring: KeyRing) -> None:
    await stocked(fresh, ring, A=5)
    was = await value(fresh, "SELECT version FROM sku_stock")
    body = await body_of(fresh, "stock")
    store = SettingVersions(fresh)
    await store.activate("stock", body | {"low_stock_days": 4}, by())
    assert await value(fresh, "SELECT version FROM sku_stock") == was
    await store.activate("stock", body | {"core_channels": ["own", "taobao"]}, by(base=2))
    assert await value(fresh, "SELECT version FROM sku_stock") == was + 1
