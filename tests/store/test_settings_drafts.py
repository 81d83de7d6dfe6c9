"""Drafts of settings belong to their author and are never overwritten silently; rules are tried on the past (CFG-1)."""

from copy import deepcopy

import pytest

from domain.after_sales import CaseKind
from domain.errors import BadInput
from store import settings_docs
from store.database import Database
from store.keyring import KeyRing
from store.settings_drafts import Draft, SettingDrafts
from store.settings_trial import PAST, try_out
from store.settings_versions import SettingVersions
from tests.conftest import NOON
from tests.store.builders import apply, order
from tests.store.case_world import case_world

MINE = Draft("risk", "ann", 1, {"ip_orders": "not a number yet"})


async def test_a_draft_is_kept_right_or_wrong_and_belongs_to_its_author(database: Database) -> None:
    drafts = SettingDrafts(database)
    assert await drafts.save(MINE, NOON) == 1
    found = await drafts.of("risk", "ann")
    assert found == Draft("risk", "ann", 1, MINE.body, 1, NOON)
    assert await drafts.of("risk", "bob") is None
    assert await drafts.save(Draft("risk", "bob", 1, {}), NOON) == 1
    assert [(row.kind, row.author, row.base) for row in await drafts.all()] in (
        [("risk", "ann", 1), ("risk", "bob", 1)],
        [("risk", "bob", 1), ("risk", "ann", 1)],
    )


async def test_of_two_open_pages_the_second_is_refused_and_nothing_is_lost(database: Database) -> None:
    drafts = SettingDrafts(database)
    await drafts.save(MINE, NOON)
    assert await drafts.save(Draft("risk", "ann", 1, {"a": 1}, revision=1), NOON) == 2
    for stale in (0, 1):
        with pytest.raises(BadInput, match="another page"):
            await drafts.save(Draft("risk", "ann", 1, {"b": 1}, revision=stale), NOON)
    await drafts.drop(Draft("risk", "ann", 1, {}, revision=1))
    found = await drafts.of("risk", "ann")
    assert found is not None
    assert found.body == {"a": 1}
    await drafts.drop(found)
    assert await drafts.of("risk", "ann") is None
    with pytest.raises(BadInput, match="another page"):
        await drafts.save(found, NOON)


async def test_risk_rules_are_tried_on_past_orders(fresh: Database, ring: KeyRing) -> None:
    for no in ("T1", "T2"):
        await apply(fresh, ring, order(no))
    body = dict((await SettingVersions(fresh).one("risk")).body)
    same = await try_out(fresh, "risk", body, ring)
    assert same.past is not None
    assert (same.past.tried, same.past.changed) == (2, 0)
    body["address_vague_words"] = [*body["address_vague_words"], "人民路"]
    past = (await try_out(fresh, "risk", body, ring)).past
    assert past is not None
    assert (past.tried, past.changed) == (2, 2)
    assert past.counts == {("", "vague address"): 2}
    assert {one.key.rsplit(":", 1)[1] for one in past.rows} == {"T1", "T2"}
    hidden = (await try_out(fresh, "risk", body)).past
    assert hidden is not None
    assert hidden.changed == 0


async def test_an_after_sales_policy_is_tried_on_past_cases(database: Database, ring: KeyRing) -> None:
    """CFG-1, AFT-2: the row that no longer fits changes the outcome; an order of rows that changes none says so."""
    world = await case_world(database, ring)
    await world.delivered_order(A=2)
    no = await world.open(CaseKind.RETURN)
    await world.look(no)
    body = deepcopy((await SettingVersions(database).one("after_sales")).body)
    body["rows"].insert(0, {"name": "none", "ruling": "refuse", "words": "closed", "sku_prefixes": ["ZZZ"]})
    same = (await try_out(database, "after_sales", body)).past
    assert same is not None
    assert (same.noun, same.tried, same.changed) == ("cases", 1, 0)
    body["rows"][0]["sku_prefixes"] = []
    past = (await try_out(database, "after_sales", body)).past
    assert past is not None
    (row,) = past.rows
    assert (row.key, row.before.split(":")[0], row.after) == (no, "approve", "refuse: closed")


def test_what_is_tried_on_the_past_is_a_document() -> None:
    assert set(PAST) <= set(settings_docs.DOCUMENTS)
