"""The editor of a settings document without a browser: drafts, two pages at once, somebody who was faster (CFG-1)."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from clients.console.setting_editor import Editor
from clients.console.setting_form import entries
from clients.console.words import said
from domain.errors import BadInput
from store.database import Database
from store.keyring import KeyRing
from store.replay import By
from store.settings_drafts import ELSEWHERE
from store.settings_versions import Change, SettingVersions
from tests.conftest import NOON

BY = By("ann", NOON)
WHY = Change("ann", "because", NOON, 0)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The room's database; the shipped settings are in force again afterwards."""
    opened = Database(database_url, pool=4)
    yield opened
    await opened.close()
    connection = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    await connection.execute("DELETE FROM setting WHERE version > 1; UPDATE setting SET active = true")
    await connection.close()


async def page(database: Database, ring: KeyRing, kind: str = "risk", author: str = "ann") -> Editor:
    editor = Editor(database, ring, kind, author)
    await editor.load()
    return editor


def typed(editor: Editor, **changes: str) -> dict[str, str]:
    """Give what the browser sends: the whole form with what was typed."""
    return entries(editor.shape, editor.draft.body) | {f"f:{name}": value for name, value in changes.items()}


async def in_force(database: Database, kind: str = "risk") -> Any:
    return await SettingVersions(database).one(kind)


async def test_a_draft_outlives_its_page_with_what_is_wrong_and_counts_for_nobody(
    database: Database, ring: KeyRing
) -> None:
    first = await page(database, ring)
    assert await first.save(typed(first, ip_orders="many", trusted_orders="4"), BY) == (
        "草稿已保存；1 处需要修改才能生效。"
    )
    again = await page(database, ring)
    assert (again.draft.body["ip_orders"], again.draft.body["trusted_orders"]) == ("many", 4)
    assert [one.name for one in again.faults] == ["f:ip_orders"]
    for refused in (again.try_out(typed(again), BY), again.activate(typed(again), WHY, BY)):
        with pytest.raises(BadInput, match="同一 IP 的订单数：要填整数"):
            await refused
    assert (await in_force(database)).version == 1
    other = await page(database, ring, author="bob")
    assert not other.begun


async def test_a_press_that_changes_nothing_begins_no_draft(database: Database, ring: KeyRing) -> None:
    editor = await page(database, ring, "timing")
    await editor.save(typed(editor), BY)
    await editor.try_out(typed(editor), BY)
    assert not editor.begun
    assert editor.mine() == []


async def test_activating_takes_what_was_typed_last_and_ends_the_draft(database: Database, ring: KeyRing) -> None:
    editor = await page(database, ring)
    assert await editor.activate(typed(editor, ip_orders="7"), WHY, BY) == "第 2 版已生效，之后的判断都用它。"
    row = await in_force(database)
    assert (row.version, row.body["ip_orders"], row.author, row.reason) == (2, 7, "ann", "because")
    assert (editor.begun, editor.draft.base) == (False, 2)
    assert not (await page(database, ring)).begun


async def test_whoever_was_slower_sees_both_sides_and_puts_both_together(database: Database, ring: KeyRing) -> None:
    mine, theirs = await page(database, ring), await page(database, ring, author="bob")
    await mine.save(typed(mine, ip_orders="7"), BY)
    await theirs.activate(typed(theirs, trusted_orders="9"), Change("bob", "first", NOON, 0), By("bob", NOON))
    with pytest.raises(BadInput) as refused:
        await mine.activate(typed(mine, ip_window_minutes="30"), WHY, BY)
    assert said(str(refused.value)) == "第 2 版（bob）刚刚生效，而您的改动基于第 1 版：请先看看它"
    await mine.look_around()
    assert mine.behind
    assert [one.place for one in mine.mine()] == ["同一 IP 的订单数", "同一 IP 统计的时间"]
    assert [(one.before, one.after) for one in mine.theirs()] == [("3 单", "9 单")]
    await mine.rebase(typed(mine), BY)
    assert not mine.behind
    await mine.activate(typed(mine), WHY, BY)
    body = (await in_force(database)).body
    assert (body["ip_orders"], body["ip_window_minutes"], body["trusted_orders"]) == (7, 30, 9)


async def test_of_two_pages_of_one_author_the_older_is_refused_in_words(database: Database, ring: KeyRing) -> None:
    one, two = await page(database, ring), await page(database, ring)
    await one.save(typed(one, ip_orders="7"), BY)
    with pytest.raises(BadInput) as refused:
        await two.save(typed(two, ip_orders="8"), BY)
    assert str(refused.value) == ELSEWHERE
    assert "请刷新" in said(ELSEWHERE)


async def test_rows_change_with_everything_typed_beside_them_and_json_replaces_the_whole(
    database: Database, ring: KeyRing
) -> None:
    editor = await page(database, ring, "status_map")
    where = list(editor.draft.body["channels"]).index("own")
    given = {"what": "add", "path": f"channels.{where}"}
    assert await editor.row(typed(editor) | given, BY) == "已加一行，草稿已保存。"
    count = len(editor.draft.body["channels"]["own"])
    assert editor.focus == f"row:channels.{where}.{count - 1}"
    named = {f"k:channels.{where}.{count - 1}": "777", "what": "delete", "path": f"channels.{where}.0"}
    await editor.row(typed(editor) | named, BY)
    assert "777" in editor.draft.body["channels"]["own"]
    assert len(editor.draft.body["channels"]["own"]) == count - 1
    with pytest.raises(BadInput, match="不是 JSON"):
        await editor.paste({"json": "{"}, BY)
    await editor.paste({"json": '{"channels": {"own": {"paid": {"status": "paid"}}}}'}, BY)
    await editor.try_out(typed(editor), BY)
    assert editor.trial is not None
    assert await editor.drop({}, BY) == "草稿已放弃，回到生效的版本。"
    assert not editor.begun
