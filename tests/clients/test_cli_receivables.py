"""Receivable changes on the command line: listed, posted once, the file again; and in words on the console (EXC-2)."""

from pathlib import Path

import pytest

from clients.console.pages.receivables import why
from clients.console.service_words import ACTIONS
from clients.console.words import said
from store import receivables
from store.database import Database
from store.keyring import KeyRing
from store.order_intake import Booking, apply_order
from store.receivables import Change
from tests.clients.worlds import Oms
from tests.conftest import NOON
from tests.store.builders import TIMING, key, order, stocked


@pytest.fixture
async def refunded(database: Database, cli_ring: KeyRing) -> None:
    await stocked(database, cli_ring, A=10)
    async with database.transaction() as tx:
        await apply_order(tx, Booking(cli_ring, TIMING, NOON), order(skus={"A": 2}), 0)
        change = Change("exception:E1:1", key(), -500, "CNY", "refund for short", "exception:E1")
        await receivables.note(tx, change, NOON)


@pytest.mark.usefixtures("refunded")
async def test_finance_posts_what_waits_and_gets_the_file_again(oms: Oms, tmp_path: Path) -> None:
    assert "waiting: 1, together -5.00 CNY" in (await oms("receivable", "list"))[1]
    first, again = tmp_path / "one.csv", tmp_path / "two.csv"
    code, words = await oms("receivable", "post", str(first), "--actor", "fin", "--request", "month end")
    assert code == 0, words
    no = words.split(":")[0]
    assert no.startswith("YS")
    assert f"{no},exception:E1:1,own,demo,T1,-5.00,CNY,refund for short" in first.read_text("utf-8-sig")
    assert (await oms("receivable", "file", no, str(again), "--actor", "fin"))[0] == 0
    assert again.read_bytes() == first.read_bytes()
    assert f"{no}: posted" in (await oms("receivable", "post", str(tmp_path / "3.csv"), "--actor", "fin",
                                         "--request", "month end"))[1]  # fmt: skip
    code, words = await oms("receivable", "post", str(first), "--actor", "fin")
    assert (code, "is there already" in words) == (2, True)
    code, words = await oms("receivable", "post", str(tmp_path / "4.csv"), "--actor", "fin")
    assert (code, "no receivable change waits" in words) == (2, True)
    assert no in (await oms("receivable", "list"))[1]


def test_what_changed_and_why_it_cannot_be_exported_is_said_in_chinese() -> None:
    assert why("refund for short") == "退款（少发）"
    assert why("courier pays") == "快递赔付"
    assert why("as granted") == "按实际批准金额调整"
    assert said("no receivable change waits: all of them are posted") == "没有待导出的应收变动"
    assert said("there is no export YS1; see oms receivable list") == "没有这个导出号：YS1"
    assert {"receivable.posted", "receivable.downloaded"} <= set(ACTIONS)
