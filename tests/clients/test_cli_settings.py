"""`oms settings`: seen, tried, put in force by somebody, taken back; bad input changes nothing (CFG-1)."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from clients.clock import utc_now
from domain.observations import ChannelStatus
from store.database import Database
from store.inbox import Arrival, Inbox
from store.keyring import KeyRing
from store.settings_docs import DOCUMENTS
from store.settings_versions import SettingVersions
from tests.clients.worlds import Oms, rows
from tests.conftest import NOON
from tests.store.builders import order
from tests.store.test_unmapped import apply_all

WHO = ("--actor", "ann", "--reason", "new code")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The room's database; the shipped settings are in force again afterwards."""
    opened = Database(database_url, pool=4)
    yield opened
    await opened.close()
    connection = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    await connection.execute("DELETE FROM setting WHERE version > 1; UPDATE setting SET active = true")
    await connection.close()


@pytest.fixture
async def edited(oms: Oms, tmp_path: Path, database: Database) -> Path:
    """The status map as shown, with one code more."""
    code, said = await oms("settings", "show", "status_map")
    assert code == 0
    body = json.loads(said)
    body["channels"]["douyin"]["777"] = {"status": "signed"}
    file = tmp_path / "map.json"
    file.write_text(json.dumps(body))
    return file


async def versions(database: Database) -> list[tuple[Any, ...]]:
    return [(row.kind, row.version, row.author, row.reason) for row in await SettingVersions(database).rows()]


SHIPPED = [(kind, 1, "shipped default", "first start") for kind in sorted(DOCUMENTS)]


async def test_the_list_says_what_is_in_force_since_when_by_whom_and_why(oms: Oms, database: Database) -> None:
    code, said = await oms("settings", "list")
    assert (code, [line.split()[:3] for line in said.splitlines()[1:]]) == (
        0,
        [[kind, "1", "yes"] for kind in sorted(DOCUMENTS)],
    )
    assert "shipped default" in said


async def test_an_edited_document_comes_in_force_and_is_rolled_back(oms: Oms, database: Database, edited: Path) -> None:
    assert await oms("settings", "activate", "status_map", "--file", str(edited), *WHO) == (
        0,
        "status_map: version 2 is in force, was 1\n",
    )
    assert await versions(database) == [
        ("status_map", 2, "ann", "new code") if one[0] == "status_map" else one for one in SHIPPED
    ]
    code, said = await oms("settings", "show", "status_map", "--version", "1")
    assert (code, "777" in said) == (0, False)
    assert await oms("settings", "rollback", "status_map", "--to", "1", *WHO) == (
        0,
        "status_map: version 3 is in force, was 2\n",
    )
    code, said = await oms("settings", "list", "status_map")
    assert [line.split()[1] for line in said.splitlines()[1:]] == ["3", "2", "1"]
    actions = [(one.actor, one.action) for one in await rows(database, "audit")]
    assert actions == [("ann", "setting.activated"), ("ann", "setting.rolled_back")]


async def test_an_unknown_code_is_seen_named_and_let_in_by_the_mend_alone(
    oms: Oms, database: Database, cli_ring: KeyRing, edited: Path
) -> None:
    """INT-13: from the alert to the booked order by commands, without a deploy."""
    seen = order(status=ChannelStatus.UNMAPPED, channel="douyin", raw_status="777")
    await Inbox(database, cli_ring).accept(Arrival("douyin", "demo", "pull", {}, b"raw", NOON), "e1", None, (seen,))
    assert await apply_all(database, cli_ring) == ["unmapped"]
    code, said = await oms("inbox", "list", "--state", "unmapped")
    assert (code, "unknown status code 777" in said, "douyin:demo:T1" in said) == (0, True, True)
    code, said = await oms("alert", "list")
    assert "oms settings activate status_map" in said
    code, said = await oms("settings", "activate", "status_map", "--file", str(edited), "--try")
    assert code == 0
    assert '+ channels.douyin.777.status: "signed"' in said
    assert "douyin 777: messages that wait and would be booked: 1" in said
    assert await versions(database) == SHIPPED
    code, said = await oms("settings", "activate", "status_map", "--file", str(edited), *WHO)
    assert (code, "that waited for it and are queued again: 1" in said) == (0, True)
    assert await oms("alert", "list") == (0, "no open alerts\n")
    assert await apply_all(database, cli_ring, utc_now()) == ["applied"]


async def test_a_change_that_was_made_from_an_older_version_is_refused(
    oms: Oms, database: Database, edited: Path
) -> None:
    code, said = await oms("settings", "activate", "status_map", "--file", str(edited), *WHO, "--base", "7")
    assert (code, "made from version 7" in said) == (2, True)
    assert await versions(database) == SHIPPED


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", "is no JSON: line 1, column 2"),
        (b"[1]", "holds no JSON object"),
        (b"\xff{}", "is not UTF-8 text"),
        (b'{"channels": {"douyin": {"1": {"status": "paid"}, "1": {"status": "unpaid"}}}}', "'1' stands twice"),
        (b'{"channels": {"douyin": {"1": {"status": "payed"}}}}', "channel douyin, code 1, status: input should be"),
    ],
)
async def test_a_bad_file_is_refused_with_what_is_wrong_and_changes_nothing(
    oms: Oms, database: Database, tmp_path: Path, content: bytes, words: str
) -> None:
    file = tmp_path / "bad.json"
    file.write_bytes(content)
    code, said = await oms("settings", "activate", "status_map", "--file", str(file), *WHO)
    assert (code, words in said) == (2, True), said
    assert await versions(database) == SHIPPED


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("activate", "status_map", "--file", "/nowhere/map.json", *WHO), "/nowhere/map.json cannot be read: No such"),
        (("activate", "status_map", "--file", "/nowhere/map.json"), "say who and why: --actor YOU --reason WORDS"),
        (("rollback", "status_map", "--to", "1", *WHO), "version 1 is in force already"),
        (("rollback", "status_map", "--to", "4", *WHO), "has no version 4; see oms settings list status_map"),
        (("show", "[/weather]"), "no settings document '[/weather]'"),
        (("show", "weather"), "known are after_sales, alerts, messages, risk, sla, status_map, stock, timing"),
        (("list", "weather"), "known are after_sales, alerts, messages, risk, sla, status_map, stock, timing"),
    ],
)
async def test_a_command_that_makes_no_sense_says_what_would(
    oms: Oms, database: Database, command: tuple[str, ...], words: str
) -> None:
    code, said = await oms("settings", *command)
    assert (code, words in said) == (2, True), said
    assert await versions(database) == SHIPPED
