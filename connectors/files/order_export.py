"""Orders in a channel's export file: each row read on its own, by a column map. Owns the reading of its cells.

What is wrong with the file as a whole is BadInput and nothing is read; what is wrong with a row refuses the row, with
its line, its column and the reason, never with the cell: a shifted one may be personal (I-9).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from connectors import fields
from connectors.files.columns import ColumnMap, positions, read_moment
from connectors.files.table import Row, read_table
from domain import addresses
from domain.contacts import Contact, ContactForm
from domain.exported import ExportedOrder, Fault
from domain.observations import ChannelStatus

T = TypeVar("T")
MAX_QUANTITY = 9_999
_NO = re.compile(r"[A-Za-z0-9#][A-Za-z0-9_#/-]{0,63}", re.ASCII)
_ROUNDED = re.compile(r"\d(?:\.\d+)?[eE]\+?\d+", re.ASCII)
# A spreadsheet is kept from rounding a long number by ="123", '123 or `123.
_AS_TEXT = re.compile(r'="([^"]*)"|[\'`](.*)', re.DOTALL)
_FEN = re.compile(r"-?\d{1,12}", re.ASCII)
_WHOLE = re.compile(r"\d{1,6}", re.ASCII)
_SKU = re.compile(r"[^\s\x00-\x1f\x7f]{1,64}")
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one row stays out; `no` is empty where its number is what is wrong, `column` is the file's name."""

    line: int
    no: str
    column: str
    reason: str


@dataclass(frozen=True, slots=True)
class Export:
    """All that a file says: `rows` = orders + refused + repeated (the same row once more, cell by cell)."""

    rows: int
    orders: tuple[ExportedOrder, ...]
    refused: tuple[Refusal, ...]
    repeated: int


class _Unreadable(Exception):
    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.reason)
        self.fault = fault


def read_export(raw: bytes, shape: ColumnMap) -> Export:
    """Read a file; BadInput when it is broken as a whole."""
    table = read_table(raw, shape.delimiter, shape.time_format)
    reader = _Reader(shape, positions(shape.columns, table.header, shape.delimiter))
    first: dict[str, Row] = {}
    orders: list[ExportedOrder] = []
    refused: list[Refusal] = []
    repeated = 0
    for row in table.rows:
        try:
            no = reader.number(row)
            before = first.get(no)
            if before is None:
                orders.append(reader.order(row, no))
                first[no] = row
            elif before.cells == row.cells:
                repeated += 1
            else:
                reason = f"is on line {before.line} already, with other cells: one row per order"
                refused.append(Refusal(row.line, no, shape.columns.no, reason))
        except _Unreadable as error:
            refused.append(refusal(row.line, reader.number_or_nothing(row), error.fault, shape))
    return Export(len(table.rows), tuple(orders), tuple(refused), repeated)


def refusal(line: int, no: str, fault: Fault, shape: ColumnMap) -> Refusal:
    """Say a fault in the file's own words."""
    named = shape.columns.named()
    return Refusal(line, no, named.get(fault.column) or named.get(f"{fault.column}_net", fault.column), fault.reason)


class _Reader:
    """Reads rows by the positions of their columns."""

    def __init__(self, shape: ColumnMap, where: dict[str, int]) -> None:
        self._shape = shape
        self._where = where
        self._zone = ZoneInfo(shape.zone)

    def number(self, row: Row) -> str:
        text = self._cell(row, "no")
        wrapped = _AS_TEXT.fullmatch(text)
        no = (wrapped[1] or wrapped[2] or "").strip() if wrapped else text
        if _ROUNDED.fullmatch(no):
            raise _wrong("no", "was rounded by a spreadsheet: export again and import without opening the file there")
        if not _NO.fullmatch(no):
            raise _wrong("no", "is not an order number (1 to 64 letters, digits, - _ # /)" if no else "is empty")
        return no

    def number_or_nothing(self, row: Row) -> str:
        try:
            return self.number(row)
        except _Unreadable:
            return ""

    def order(self, row: Row, no: str) -> ExportedOrder:
        refunded = self._amount(row, "refunded")
        net = self._amount(row, "paid_net")
        if net < 0:
            raise _wrong("paid_net", "is negative")
        raw_status = self._cell(row, "status")
        return ExportedOrder(
            line=row.line,
            no=no,
            total_minor=self._amount(row, "total"),
            paid_minor=net + refunded if "paid_net" in self._where else self._amount(row, "paid"),
            refunded_minor=refunded,
            placed_at=self._read(row, "placed_at", self._moment),
            paid_at=self._read(row, "paid_at", self._moment) if self._cell(row, "paid_at") else None,
            currency=self._matching(row, "currency", _CURRENCY, "is no currency such as CNY") or self._shape.currency,
            contact=self._contact(row),
            sku=self._matching(row, "sku", _SKU, "is no SKU (1 to 64 characters without gaps)"),
            title=self._cell(row, "title")[:500],
            quantity=self._read(row, "quantity", _quantity) if "quantity" in self._where else 1,
            status=self._status(raw_status),
            raw_status=raw_status,
            buyer_id=self._cell(row, "buyer_id")[: fields.MAX_ID],
            remark=self._cell(row, "remark")[:2000],
        )

    def _cell(self, row: Row, column: str) -> str:
        return row.cells[self._where[column]] if column in self._where else ""

    def _read(self, row: Row, column: str, reading: Callable[[str], T]) -> T:
        text = self._cell(row, column)
        if not text:
            raise _wrong(column, "is empty")
        try:
            return reading(text)
        except ValueError as error:
            raise _wrong(column, f"is {error}") from None

    def _amount(self, row: Row, column: str) -> int:
        """Read an amount; a column that the file does not have holds nothing."""
        if column not in self._where:
            return 0
        return self._read(row, column, fields.yuan if self._shape.unit == "yuan" else _fen)

    def _moment(self, text: str) -> datetime:
        try:
            local = read_moment(text, self._shape.time_format, self._zone)
        except ValueError:
            raise ValueError(f"not a time written as {self._shape.time_format}") from None
        return fields.believable(local)

    def _matching(self, row: Row, column: str, pattern: re.Pattern[str], reason: str) -> str:
        text = self._cell(row, column)
        if text and not pattern.fullmatch(text):
            raise _wrong(column, reason)
        return text

    def _status(self, raw: str) -> ChannelStatus | None:
        if "status" not in self._where:
            return None
        found = self._shape.meaning(raw)
        if found is None:
            raise _wrong("status", "is a word that the column map's statuses do not name" if raw else "is empty")
        return found

    def _contact(self, row: Row) -> Contact:
        """Take the receiver as plain text; an address without columns for its parts is split."""
        cells = {name: self._cell(row, name) for name in ("province", "city", "district", "name", "phone", "address")}
        if "province" not in self._where:
            place = addresses.split(cells["address"])
            if place is not None:
                cells |= {"province": place.province, "city": place.city, "district": place.district}
                cells["address"] = place.street
        return Contact(ContactForm.PLAIN, **cells)


def _wrong(column: str, reason: str) -> _Unreadable:
    return _Unreadable(Fault(column, reason))


def _fen(text: str) -> int:
    if not _FEN.fullmatch(text) or abs(int(text)) > fields.MAX_AMOUNT_MINOR:
        raise ValueError("not an amount in whole fen")
    return int(text)


def _quantity(text: str) -> int:
    if not _WHOLE.fullmatch(text) or not 1 <= int(text) <= MAX_QUANTITY:
        raise ValueError(f"not a whole number from 1 to {MAX_QUANTITY}")
    return int(text)
