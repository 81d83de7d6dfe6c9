"""A Tmall order export, read strictly: its columns, their checks, its sums. Orders are made in plan.py."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from io import StringIO
from pathlib import Path

from simulator.clock import parse_stamp
from simulator.regions import province_of
from simulator.settings import ConfigError

NO, TOTAL, ADDRESS, PLACED, PAID = "订单编号", "总金额", "收货地址", "订单创建时间", "订单付款时间"
REFUND = "退款金额"
COLUMNS = (NO, TOTAL, "买家实际支付金额", ADDRESS, PLACED, PAID, REFUND)
HIGHEST_MINOR = 10_000_000_000
# A short number of the file becomes the middle of a trade's number; the end leaves room for its child orders.
SHORT_DIGITS, LONGEST_DIGITS, TID_PREFIX, TID_END = 15, 19, "62", "00"


@dataclass(frozen=True)
class Row:
    """One order of the file. `refund_minor` is 0 and `paid_at` set where only paid rows are replayed."""

    no: str
    total_minor: int
    total_text: str
    refund_minor: int
    refund_text: str
    province: str
    placed_at: datetime
    paid_at: datetime | None

    @property
    def moment(self) -> datetime:
        """When the file heard of the order last."""
        return max(self.placed_at, self.paid_at or self.placed_at)


def read_paid_rows(path: Path, count: int) -> list[Row]:
    """Take the last `count` paid rows by payment time, oldest first; ConfigError names line and column."""
    rows = sorted(_rows(path, whole=False), key=lambda row: (row.paid_at or row.placed_at, row.no))
    return rows[-count:] if count else []


def read_rows(path: Path, count: int) -> list[Row]:
    """Take `count` rows of any fate spread evenly over the file by the time they were placed, oldest first.

    Their numbers become trade numbers. ConfigError names line and column.
    """
    rows = sorted(_rows(path, whole=True), key=lambda row: (row.placed_at, row.no))
    count = min(count, len(rows))
    return [rows[(2 * n + 1) * len(rows) // (2 * count)] for n in range(count)]


def sum_minor(rows: list[Row]) -> int:
    """Add up the file's own texts in yuan, so that the orders made from the rows are checked against it."""
    return _fen(row.total_text for row in rows)


def net_minor(rows: list[Row]) -> int:
    """Add up what stays paid: total less refund of the paid rows, from the file's own texts."""
    paid = [row for row in rows if row.paid_at is not None]
    return _fen(row.total_text for row in paid) - _fen(row.refund_text for row in paid)


def _fen(texts: Iterable[str]) -> int:
    return int(sum((Decimal(text) for text in texts), Decimal(0)) * 100)


def _rows(path: Path, *, whole: bool) -> Iterator[Row]:
    reader = csv.DictReader(StringIO(_text(path), newline=""), strict=True)
    missing = [column for column in COLUMNS if column not in (reader.fieldnames or [])]
    if missing:
        raise ConfigError(f"{path}: line 1: column {missing[0]} is missing")
    seen: set[str] = set()
    try:
        for row in reader:
            if whole or (row[PAID] or "").strip():
                read = _row(path, reader.line_num, row, whole=whole)
                if read.no in seen:
                    raise _wrong(path, reader.line_num, NO, f"order {(row[NO] or '').strip()!r} is there twice")
                seen.add(read.no)
                yield read
    except csv.Error as error:
        raise ConfigError(f"{path}: line {reader.line_num}: not CSV: {error}") from None


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = raw[: error.start].rsplit(b"\n", 1)[-1].count(b",") + 1
        raise ConfigError(f"{path}: line {line}: column {column}: not UTF-8") from None


def _row(path: Path, line: int, row: dict[str, str | None], *, whole: bool) -> Row:
    cells = {column: (row[column] or "").strip() for column in COLUMNS}
    if not cells[NO]:
        raise _wrong(path, line, NO, "is empty")
    province = province_of(cells[ADDRESS])
    if province is None:
        raise _wrong(path, line, ADDRESS, "names no province of China")
    total = _minor(path, line, TOTAL, cells[TOTAL])
    return Row(
        no=_tid(path, line, cells[NO]) if whole else cells[NO],
        total_minor=total,
        total_text=cells[TOTAL],
        refund_minor=_refund(path, line, cells, total) if whole else 0,
        refund_text=(cells[REFUND] or "0") if whole else "0",
        province=province,
        placed_at=_moment(path, line, PLACED, cells[PLACED]),
        paid_at=_moment(path, line, PAID, cells[PAID]) if cells[PAID] else None,
    )


def _refund(path: Path, line: int, cells: dict[str, str], total_minor: int) -> int:
    refund = _minor(path, line, REFUND, cells[REFUND] or "0")
    if refund > total_minor:
        raise _wrong(path, line, REFUND, f"{cells[REFUND]!r} is more than the total")
    if refund and not cells[PAID]:
        raise _wrong(path, line, REFUND, f"{cells[REFUND]!r} of an order that was never paid")
    return refund


def _tid(path: Path, line: int, text: str) -> str:
    """Make a trade's number: a short one is filled up to 19 digits, a long one is kept."""
    if not (text.isascii() and text.isdigit()) or len(text) > LONGEST_DIGITS:
        raise _wrong(path, line, NO, f"{text!r} is no number of at most {LONGEST_DIGITS} digits, as a trade's is")
    if len(text) <= SHORT_DIGITS:
        return TID_PREFIX + text.zfill(SHORT_DIGITS) + TID_END
    if text.startswith("0"):
        raise _wrong(path, line, NO, f"{text!r} begins with 0, as no trade's number does")
    return text


def _minor(path: Path, line: int, column: str, text: str) -> int:
    try:
        fen = Decimal(text) * 100
    except InvalidOperation:
        raise _wrong(path, line, column, f"{text!r} is not an amount") from None
    if not fen.is_finite() or fen != fen.to_integral_value() or not 0 <= fen <= HIGHEST_MINOR:
        raise _wrong(path, line, column, f"{text!r} is not an amount in yuan and whole fen")
    return int(fen)


def _moment(path: Path, line: int, column: str, text: str) -> datetime:
    try:
        return parse_stamp(text)
    except ValueError:
        raise _wrong(path, line, column, f"{text!r} is not a time (yyyy-MM-dd HH:mm:ss)") from None


def _wrong(path: Path, line: int, column: str, what: str) -> ConfigError:
    return ConfigError(f"{path}: line {line}: column {column}: {what}")
