"""A Tmall order export, read strictly: its columns, their checks, its sum. Orders are made in plan.py."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from io import StringIO
from pathlib import Path

from simulator.clock import parse_stamp
from simulator.regions import province_of
from simulator.settings import ConfigError

NO, TOTAL, ADDRESS, PLACED, PAID = "订单编号", "总金额", "收货地址", "订单创建时间", "订单付款时间"
COLUMNS = (NO, TOTAL, "买家实际支付金额", ADDRESS, PLACED, PAID, "退款金额")
HIGHEST_MINOR = 10_000_000_000


@dataclass(frozen=True)
class PaidRow:
    no: str
    total_minor: int
    total_text: str
    province: str
    placed_at: datetime
    paid_at: datetime


def read_paid_rows(path: Path, count: int) -> list[PaidRow]:
    """Take the last `count` paid rows by payment time, oldest first; ConfigError names line and column."""
    rows = sorted(_paid_rows(path), key=lambda row: (row.paid_at, row.no))
    return rows[-count:] if count else []


def sum_minor(rows: list[PaidRow]) -> int:
    """Add up the file's own texts in yuan, so that the orders made from the rows are checked against it."""
    return int(sum((Decimal(row.total_text) for row in rows), Decimal(0)) * 100)


def _paid_rows(path: Path) -> Iterator[PaidRow]:
    reader = csv.DictReader(StringIO(_text(path), newline=""), strict=True)
    missing = [column for column in COLUMNS if column not in (reader.fieldnames or [])]
    if missing:
        raise ConfigError(f"{path}: line 1: column {missing[0]} is missing")
    seen: set[str] = set()
    try:
        for row in reader:
            if (row[PAID] or "").strip():
                paid = _paid_row(path, reader.line_num, row)
                if paid.no in seen:
                    raise _wrong(path, reader.line_num, NO, f"order {paid.no!r} is there twice")
                seen.add(paid.no)
                yield paid
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


def _paid_row(path: Path, line: int, row: dict[str, str | None]) -> PaidRow:
    cells = {column: (row[column] or "").strip() for column in COLUMNS}
    if not cells[NO]:
        raise _wrong(path, line, NO, "is empty")
    province = province_of(cells[ADDRESS])
    if province is None:
        raise _wrong(path, line, ADDRESS, "names no province of China")
    return PaidRow(
        no=cells[NO],
        total_minor=_minor(path, line, cells[TOTAL]),
        total_text=cells[TOTAL],
        province=province,
        placed_at=_moment(path, line, PLACED, cells[PLACED]),
        paid_at=_moment(path, line, PAID, cells[PAID]),
    )


def _minor(path: Path, line: int, text: str) -> int:
    try:
        fen = Decimal(text) * 100
    except InvalidOperation:
        raise _wrong(path, line, TOTAL, f"{text!r} is not an amount") from None
    if not fen.is_finite() or fen != fen.to_integral_value() or not 0 <= fen <= HIGHEST_MINOR:
        raise _wrong(path, line, TOTAL, f"{text!r} is not an amount in yuan and whole fen")
    return int(fen)


def _moment(path: Path, line: int, column: str, text: str) -> datetime:
    try:
        return parse_stamp(text)
    except ValueError:
        raise _wrong(path, line, column, f"{text!r} is not a time (yyyy-MM-dd HH:mm:ss)") from None


def _wrong(path: Path, line: int, column: str, what: str) -> ConfigError:
    return ConfigError(f"{path}: line {line}: column {column}: {what}")
