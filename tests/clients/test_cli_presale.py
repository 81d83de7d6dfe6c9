"""`oms presale`: goods sold before they are there, from the supplier's word to their arrival (INV-4)."""

from datetime import timedelta

import pytest

from clients.clock import utc_now
from store.database import Database
from store.keyring import KeyRing
from tests.clients.worlds import Oms, connect, rows
from tests.connectors.worlds import QIMEN

SOON, LATER = ((utc_now() + timedelta(days=n)).isoformat(timespec="seconds") for n in (5, 9))


@pytest.fixture
async def supplied(database: Database, ring: KeyRing, oms: Oms) -> Database:
    """A warehouse and one supply of ten coats."""
    await connect(database, ring, QIMEN)
    code, said = await oms("presale", "add", "PO-1", "COAT", "10", "--due", SOON, "--supplier", "S-7")
    assert (code, said) == (0, "PO-1: 10 units of COAT may be sold before they are there\n")
    return database


async def test_a_supply_is_listed_delayed_and_arrives_in_parts(supplied: Database, oms: Oms) -> None:
    assert (await oms("presale", "delay", "PO-1", "--until", LATER, "--reason", "customs", "--actor", "alice"))[0] == 0
    assert await oms("presale", "arrive", "PO-1", "--warehouse", "GZ01", "--units", "4") == (
        0,
        "PO-1: 4 units arrived in GZ01, 0 orders were told\n",
    )
    words = next(line for line in (await oms("presale", "list"))[1].splitlines() if "PO-1" in line).split()
    assert (words[2], words[5:]) == ("late", ["10", "4", "0", "0", "6"])
    assert (await oms("presale", "arrive", "PO-1", "--warehouse", "GZ01"))[1].startswith("PO-1: 6 units arrived")
    assert "10" in (await oms("stock", "show", "COAT"))[1]
    kept = [(row.action, row.actor) for row in await rows(supplied, "audit") if row.action.startswith("presale")]
    assert kept[:2] == [("presale.added", "cli"), ("presale.delayed", "alice")]
    assert [row.cleared_at is None for row in await rows(supplied, "alert")] == [False]


async def test_what_makes_no_sense_is_refused_in_one_line(supplied: Database, oms: Oms) -> None:
    for words in (
        ["add", "PO-1", "COAT", "5", "--due", SOON],
        ["add", "PO-2", "COAT", "5", "--due", "2026-12-10"],
        ["add", "PO-2", "COAT", "5", "--due", "2020-01-01T00:00:00+08:00"],
        ["add", "PO-2", "COAT", "0", "--due", SOON],
        ["delay", "PO-1", "--until", SOON, "--reason", "customs"],
        ["delay", "PO-9", "--until", LATER, "--reason", "customs"],
        ["arrive", "PO-1", "--warehouse", "NOWHERE"],
        ["arrive", "PO-1", "--warehouse", "GZ01", "--units", "11"],
    ):
        code, said = await oms("presale", *words)
        assert (code, len(said.strip().splitlines())) == (2, 1), said
