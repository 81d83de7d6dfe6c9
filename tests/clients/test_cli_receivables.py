"""What finance does with exceptions: receivable changes posted and their file again; red letters, in words (EXC-2)."""

import re
from pathlib import Path

import pytest

from clients.console.pages.receivables import why
from clients.console.service_words import ACTIONS
from clients.console.words import said
from domain.invoices import red_lines, refuse_blue, refuse_part
from store import receivables
from store.database import Database
from store.keyring import KeyRing
from store.order_intake import Booking, apply_order
from store.receivables import Change
from store.red_letters import A_PART, ASKED, MADE, NO_ACCOUNT, NO_INVOICE
from tests.clients.worlds import Oms
from tests.conftest import NOON
from tests.store.builders import TIMING, key, order, stocked, value

CHINESE = re.compile(r"[\u4e00-\u9fff]")
CODE = "1040201000000000000"


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


@pytest.mark.parametrize(
    "lines",
    [
        "x 13%",
        f"0 x 1 69 13% {CODE}",
        "1 x 1 69 13% 104",
        f"1 x 1 69 13% {CODE}\n1 y 1 9 13% {CODE}",
        "\n".join(f"{n} x 1 1 0% {CODE}" for n in range(1, 102)),
    ],
)
def test_every_fault_of_a_red_letters_lines_is_said_in_chinese(lines: str) -> None:
    """FIN-7."""
    with pytest.raises(ValueError, match=r"\w") as told:
        red_lines(lines)
    assert CHINESE.search(said(str(told.value)))


def test_why_a_red_letter_stays_by_hand_is_said_in_chinese() -> None:
    """FIN-7: on the exception's page."""
    told = [NO_INVOICE, NO_ACCOUNT, A_PART, ASKED, MADE, refuse_part((), 100), refuse_blue("12")]
    assert [words for words in told if not CHINESE.search(said(words))] == []


@pytest.mark.usefixtures("refunded")
async def test_finance_names_the_blue_invoice_its_lines_and_confirms(oms: Oms, database: Database) -> None:
    """FIN-7: lines that do not add up are refused; without a service the red letter is made by hand and confirmed."""
    opening = ["exception", "open", "T1", "--actor", "alice", "--kind", "short", "--responsible", "warehouse"]
    await value(database, "UPDATE orders SET paid_minor = total_minor RETURNING key")
    code, words = await oms(*opening, "--compensation", "refund", "--amount", "5.00")
    assert code == 0, words
    no = words.split(":")[0]
    naming = ["exception", "invoice", no, "2" * 20, "--actor", "fin"]
    code, words = await oms(*naming, "--line", f"1 TEE 1 4.00 13% {CODE}")
    assert (code, "the lines come to 4.00, but 5.00 is paid back" in words) == (2, True)
    code, words = await oms(*naming, "--line", f"1 TEE 1 4.00 13% {CODE}", "--line", f"2 运费 1 1 6% {CODE}")
    assert (code, words.strip()) == (0, f"{no}: wanted")
    assert "no account for invoices" in await value(database, "SELECT reason FROM red_letter_draft")
    assert (await oms("exception", "red-confirmed", no, "--actor", "fin"))[1].strip() == f"{no}: confirmed"
