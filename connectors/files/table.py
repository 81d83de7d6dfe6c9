"""A table in a CSV file or a workbook, read strictly: encoding, quoting, every row as wide as the first (I-9).

Owns the structure of a file and what is wrong with it as a whole: BadInput, before anything was believed. What the
cells mean is not known here. Error texts name lines and columns, never a cell: a shifted one may be personal.
"""

import csv
import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import StringIO

from connectors.files.workbook import is_workbook, workbook_rows
from domain.errors import BadInput

MAX_FILE_BYTES = 8 * 1024 * 1024
"""A file is kept whole, as one sealed row of the inbox."""
MAX_CELL_CHARACTERS = 20_000
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab"}
ENCODINGS = ("utf-8", "gb18030")
_UNFIT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of cells without the space around them; `line` is where it begins in the file, from 1."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A whole file: the names in its first row, and the rows below."""

    header: tuple[str, ...]
    rows: tuple[Row, ...]


def read_table(
    raw: bytes, delimiter: str = ",", time_format: str = "%Y-%m-%d %H:%M:%S", *, ragged: bool = False
) -> Table:
    """Read a whole file; BadInput says in one line why it is none. Rows of empty cells count for nothing.

    The delimiter is that of a CSV file; in a workbook the cells that are times are written by `time_format`. `ragged`
    gives rows of another width than the header as they are, to whoever can say what is wrong with them.
    """
    if len(raw) > MAX_FILE_BYTES:
        most = MAX_FILE_BYTES // 1024 // 1024
        raise BadInput(f"the file has more than {most} MB: split it, each part with the header line")
    book = is_workbook(raw)
    found: Iterable[tuple[int, tuple[str, ...]]] = (
        workbook_rows(raw, time_format) if book else _rows(_text(raw), delimiter)
    )
    rows = (Row(line, tuple(_cell(cell, line) for cell in cells)) for line, cells in found)
    filled = (row for row in rows if any(row.cells))
    header = next(filled, None)
    if header is None:
        raise BadInput("the file is empty")
    names = header.cells
    twice = next((name for name in names if name and names.count(name) > 1), None)
    if twice:
        raise BadInput(f"line {header.line}: column {twice} is there twice: rename or remove one")
    return Table(names, tuple(row if ragged else _whole(row, len(names), book) for row in filled))


def _whole(row: Row, width: int, book: bool) -> Row:
    """Refuse a row that is not as wide as the header; a workbook leaves out empty cells at the end."""
    cells = row.cells + ("",) * (width - len(row.cells)) if book else row.cells
    if len(cells) != width:
        found = f"{len(cells)} cells, the header has {width}"
        raise BadInput(f"line {row.line}: {found}: a cell has shifted or a quote is missing; mend the file")
    return Row(row.line, cells)


def _rows(text: str, delimiter: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    reader = csv.reader(StringIO(text, newline=""), strict=True, delimiter=delimiter)
    line = 1
    try:
        for cells in reader:
            yield line, tuple(cells)
            line = reader.line_num + 1
    except csv.Error as error:
        raise BadInput(f"line {line}: not CSV: {error}") from None


def _cell(text: str, line: int) -> str:
    if len(text) > MAX_CELL_CHARACTERS:
        raise BadInput(f"line {line}: a cell is longer than {MAX_CELL_CHARACTERS:,} characters: is a quote missing?")
    if _UNFIT.search(text):
        raise BadInput(f"line {line}: a control character: not a text file, or damaged")
    return text.strip()


def _text(raw: bytes) -> str:
    """Decode UTF-8 (with or without BOM) or GB18030; the header line tells which, so that one bad byte is named."""
    if raw.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        raise BadInput("the file is UTF-16: save it as CSV UTF-8 (or GB18030)")
    marked = raw.startswith(BOM_UTF8)
    body = raw.removeprefix(BOM_UTF8)
    return _decoded(body, ENCODINGS[:1] if marked else _encodings(body.partition(b"\n")[0]))


def _encodings(header: bytes) -> tuple[str, ...]:
    fitting = tuple(encoding for encoding in ENCODINGS if _fault(header, encoding) is None)
    return ENCODINGS if header.isascii() or not fitting else fitting[:1]


def _decoded(body: bytes, encodings: tuple[str, ...]) -> str:
    faults = {encoding: _fault(body, encoding) for encoding in encodings}
    for encoding, fault in faults.items():
        if fault is None:
            return body.decode(encoding)
    line = body.count(b"\n", 0, max(fault for fault in faults.values() if fault is not None)) + 1
    known = " nor ".join(encoding.upper() for encoding in encodings)
    raise BadInput(f"line {line}: neither {known}" if len(encodings) > 1 else f"line {line}: not {known}")


def _fault(body: bytes, encoding: str) -> int | None:
    try:
        body.decode(encoding)
    except UnicodeDecodeError as error:
        return error.start
    return None
