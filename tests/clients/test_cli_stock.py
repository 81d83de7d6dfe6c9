"""`oms breaker`, `oms order release-stock` and `oms stock proposals`: what they say and how they say no."""

from pathlib import Path

import pytest

from domain.observations import ChannelStatus
from store import proposals
from store.database import Database
from store.keyring import KeyRing
from store.settings_docs import Profile
from tests.clients.worlds import Oms, rows
from tests.conftest import NOON
from tests.store.builders import apply, order, planned, stocked

S = ChannelStatus


@pytest.fixture
async def shelf(database: Database, cli_ring: KeyRing) -> None:
    """A warehouse with ten units."""
    await stocked(database, cli_ring, A=10)


async def test_a_sale_is_stopped_shown_tried_and_resumed(
    oms: Oms, database: Database, cli_ring: KeyRing, shelf: None
) -> None:
    assert await oms("breaker", "list") == (0, "no sale is stopped\n")
    await apply(database, cli_ring, order("T1", skus={"A": 4}))
    assert await oms("breaker", "stop", "A", "--reason", "a batch is faulty", "--actor", "ann") == (
        0, "A: not for sale on any channel; oms breaker resume A ends it\n",
    )  # fmt: skip
    assert "is stopped by hand already" in (await oms("breaker", "stop", "A"))[1]
    line = (await oms("breaker", "list"))[1].splitlines()[1].split()
    assert (line[0], line[1:3], line[-3:]) == ("A", ["open", "(hand)"], ["0", "0", "6"])
    said = (await oms("breaker", "show", "A"))[1]
    assert "by ann: a batch is faulty" in said
    assert "reserved 4 for own:demo:T1" in said
    assert await oms("breaker", "resume", "A", "--trial", "2") == (0, "A: on trial, 2 units\n")
    assert "half open, 2 units left" in (await oms("breaker", "list"))[1]
    assert await oms("breaker", "resume", "A") == (0, "A: for sale again\n")
    assert await oms("breaker", "list") == (0, "no sale is stopped\n")
    assert "closed (hand)" in (await oms("breaker", "list", "--all"))[1]


async def test_what_cannot_be_stopped_or_resumed_says_why(oms: Oms, shelf: None) -> None:
    for words, told in (
        (("stop", "NONE"), "no SKU 'NONE'; set its stock first"),
        (("resume", "A"), "the sale of A is not stopped"),
        (("show", "A"), "the sale of 'A' was never stopped"),
    ):
        code, said = await oms("breaker", *words)
        assert (words, code) == (words, 2)
        assert told in said


async def test_the_stock_of_a_list_of_orders_is_released_with_one_line_each(
    oms: Oms, database: Database, cli_ring: KeyRing, shelf: None, tmp_path: Path
) -> None:
    await apply(database, cli_ring, order("T1", S.UNPAID, skus={"A": 2}))
    await apply(database, cli_ring, order("T2", skus={"A": 3}))
    file = tmp_path / "numbers.txt"
    file.write_text("\ufeffT1\n\n# from the platform\n  T2 \nT1\n")
    code, said = await oms("order", "release-stock", "--file", str(file), "T9")
    assert (code, said.splitlines()) == (
        1,
        [
            "T9: not found",
            "T1: released 2 units",
            "T2: refused: it is paid; --force --reason WORDS all the same",
            "3 orders: 1 not found, 1 refused, 1 released; 2 units",
        ],
    )
    code, said = await oms("order", "release-stock", "T2", "--force", "--reason", "refunded by phone", "--actor", "ann")
    assert (code, said.splitlines()[0]) == (0, "T2: released 3 units")
    told = [one for one in await rows(database, "audit") if one.action == "stock.released"]
    assert [(one.actor, one.detail["reason"]) for one in told] == [("cli", ""), ("ann", "refunded by phone")]


async def test_a_list_that_cannot_be_says_why(oms: Oms, shelf: None, tmp_path: Path) -> None:
    binary = tmp_path / "numbers.xlsx"
    binary.write_bytes(b"\xff\xfe\x00")
    for words, told in (
        ((), "no order numbers"),
        (("--file", str(tmp_path / "none")), "cannot be read as text"),
        (("--file", str(binary)), "cannot be read as text"),
        (("T1", "--force"), "say why: --reason"),
    ):
        code, said = await oms("order", "release-stock", *words)
        assert (words, code) == (words, 2)
        assert told in said


async def test_proposals_are_listed_accepted_and_reverted(
    oms: Oms, database: Database, cli_ring: KeyRing, shelf: None
) -> None:
    assert await oms("stock", "proposals") == (0, "nothing is proposed\n")
    await planned(database, cli_ring, A=8)
    await proposals.look(database, Profile.LIVE, NOON)
    listed = (await oms("stock", "proposals"))[1].splitlines()
    assert ["price up 5 %" in listed[1], "at most 2 for one buyer" in listed[2]] == [True, True]
    assert "2 free, 8 sold in 7 days" in listed[1]
    number = listed[2].split()[0]
    assert await oms("stock", "accept", number) == (0, "A: at most 2 for one buyer is in force\n")
    assert (await oms("stock", "accept", number))[0] == 2
    assert await oms("stock", "revert", number, "--reason", "enough") == (0, "A: at most 2 for one buyer is reverted\n")
    assert "there is no proposal 999" in (await oms("stock", "revert", "999"))[1]
