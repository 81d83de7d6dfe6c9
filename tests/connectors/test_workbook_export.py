"""The same export as an XLSX workbook: what a spreadsheet makes of numbers and times, and what is no workbook (I-9)."""

import zipfile
from collections.abc import Sequence
from datetime import UTC, date, datetime
from io import BytesIO
from typing import Any

import pytest
from openpyxl import Workbook

from connectors.files import workbook
from connectors.files.columns import TMALL
from connectors.files.order_export import read_export
from connectors.files.table import read_table
from domain.errors import BadInput

HEADER = ("订单编号", "总金额", "买家实际支付金额", "收货地址", "订单创建时间", "订单付款时间", "退款金额")
PLACED, PAID = datetime(2020, 2, 21, 0, 0, 0), datetime(2020, 2, 21, 0, 0, 7)  # noqa: DTZ001  (a sheet has no zone)
GOOD = ("T1", 178.8, 100, "上海", PLACED, PAID, 78.8)


def saved(book: Workbook) -> bytes:
    file = BytesIO()
    book.save(file)
    return file.getvalue()


def sheet(*rows: Sequence[Any]) -> bytes:
    """A workbook with these rows below the header."""
    book = Workbook()
    for row in (HEADER, *rows):
        book.worksheets[0].append(list(row))
    return saved(book)


def test_a_sheet_with_real_numbers_and_times_reads_like_its_csv() -> None:
    (order,) = read_export(sheet(GOOD), TMALL).orders
    assert (order.line, order.no, order.contact.province) == (2, "T1", "上海")
    assert (order.total_minor, order.paid_minor, order.refunded_minor) == (17880, 17880, 7880)
    assert order.placed_at == datetime(2020, 2, 20, 16, 0, tzinfo=UTC)
    assert order.paid_at == datetime(2020, 2, 20, 16, 0, 7, tzinfo=UTC)


def test_a_sheet_with_everything_as_text_reads_the_same() -> None:
    text = ("T1", "178.8", "100", "上海", "2020-02-21 00:00:00", "2020-02-21 00:00:07", "78.8")
    assert read_export(sheet(text), TMALL) == read_export(sheet(GOOD), TMALL)


def test_every_second_of_a_minute_comes_back_as_it_was() -> None:
    moments = [PLACED.replace(minute=59, second=second) for second in range(60)]
    orders = read_export(sheet(*((f"T{at.second}", 1, 0, "", at, None, 0) for at in moments)), TMALL).orders
    assert [order.placed_at.second for order in orders] == list(range(60))


def test_empty_rows_count_for_nothing_and_rows_are_counted_in_the_sheet() -> None:
    export = read_export(sheet((), GOOD, (None,) * 7, ("T2", *GOOD[1:])), TMALL)
    assert [(order.line, order.no) for order in export.orders] == [(3, "T1"), (5, "T2")]
    assert export.rows == 2


def test_empty_cells_at_the_end_of_a_row_are_empty_cells() -> None:
    (refused,) = read_export(sheet(GOOD[:6]), TMALL).refused
    assert (refused.column, refused.reason) == ("退款金额", "is empty")


@pytest.mark.parametrize("no", [2026112212345678901, 2.0261122123456789e18, 10**15])
def test_a_long_number_that_a_spreadsheet_has_rounded_is_refused(no: float) -> None:
    (refused,) = read_export(sheet((no, *GOOD[1:])), TMALL).refused
    assert "was rounded by a spreadsheet" in refused.reason


def test_a_number_of_fifteen_digits_is_exact() -> None:
    assert [order.no for order in read_export(sheet((10**15 - 1, *GOOD[1:])), TMALL).orders] == ["9" * 15]


VALUES = [
    (None, ""), (" x ", "x"), (0, "0"), (178.8, "178.8"), (0.1 + 0.2, "0.3"), (12.0, "12"), (True, "True"),
    (PAID, "2020-02-21 00:00:07"), (date(2020, 2, 21), "2020-02-21 00:00:00"),
]  # fmt: skip


def test_cells_become_the_texts_that_people_see() -> None:
    table = read_table(sheet([value for value, _ in VALUES[:7]], [value for value, _ in VALUES[7:]]))
    told = [cell for row in table.rows for cell in row.cells][: len(VALUES)]
    assert told == [text for _, text in VALUES]


def test_a_row_wider_than_its_header_is_a_shifted_one() -> None:
    with pytest.raises(BadInput, match="line 3: 8 cells, the header has 7: a cell has shifted"):
        read_export(sheet(GOOD, (*GOOD, "9")), TMALL)


def test_a_sheet_that_says_less_than_it_holds_is_read_whole() -> None:
    raw = sheet(GOOD, ("T2", *GOOD[1:]))
    lying = rewritten(raw, "xl/worksheets/sheet1.xml", b'<dimension ref="A1:G3"', b'<dimension ref="A1:G2"')
    assert lying != raw
    assert len(read_export(lying, TMALL).orders) == 2


def rewritten(raw: bytes, part: str, old: bytes, new: bytes) -> bytes:
    """The workbook with other bytes in one of its parts."""
    changed = BytesIO()
    with zipfile.ZipFile(BytesIO(raw)) as before, zipfile.ZipFile(changed, "w") as after:
        for name in before.namelist():
            content = before.read(name)
            assert name != part or old in content
            after.writestr(name, content.replace(old, new) if name == part else content)
    return changed.getvalue()


def test_a_workbook_with_two_sheets_is_not_guessed_at() -> None:
    book = Workbook()
    book.create_sheet("more")
    with pytest.raises(BadInput, match="2 sheets: keep the one with the orders"):
        read_export(saved(book), TMALL)


def zipped(**parts: str) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()


ENTITIES = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>'
WHOLE = sheet(GOOD)
DAMAGED = {
    "an archive of something else": zipped(readme="hello"),
    "cut short": WHOLE[: len(WHOLE) // 2],
    "no XML": rewritten(WHOLE, "xl/worksheets/sheet1.xml", b"<sheetData>", b"<sheetData"),
    "entities": rewritten(WHOLE, "xl/workbook.xml", b"<workbook", ENTITIES + b"<workbook"),
    "a cell that is no number": rewritten(WHOLE, "xl/worksheets/sheet1.xml", b"<v>178.8</v>", b"<v>one</v>"),
}


@pytest.mark.parametrize("raw", DAMAGED.values(), ids=DAMAGED)
def test_what_only_begins_like_a_workbook_is_refused_in_one_line(raw: bytes) -> None:
    with pytest.raises(BadInput, match=r"^the file is no workbook \(XLSX\) or damaged \(\w+\): save it again$"):
        read_export(raw, TMALL)


def test_a_workbook_that_unpacks_without_end_is_refused_before_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MAX_UNPACKED_BYTES", 1024 * 1024)
    with pytest.raises(BadInput, match="unpacks to more than 1 MB"):
        read_export(zipped(bomb="x" * (1024 * 1024 + 1)), TMALL)
