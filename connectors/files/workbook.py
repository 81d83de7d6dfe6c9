"""The one sheet of an XLSX workbook as rows of texts. Owns what a spreadsheet makes of numbers and times.

Formulas count by their last result. What cannot be a workbook is BadInput, before anything was believed.
"""

import warnings
import zipfile
import zlib
from datetime import date, datetime, timedelta
from io import BytesIO
from xml.etree.ElementTree import ParseError

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from domain.errors import BadInput

ZIP, OLD = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
MAX_UNPACKED_BYTES = 64 * 1024 * 1024
EXACT_BELOW = 10**15
"""A spreadsheet keeps fifteen digits of a number; of a longer one nobody knows the rest."""
_DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, InvalidFileException, ParseError, EOFError, NotImplementedError, RuntimeError),
    *(KeyError, IndexError, ValueError, TypeError, AttributeError, OverflowError),
)
"""What zip, XML and the reader raise on bytes that only begin like a workbook."""


def is_workbook(raw: bytes) -> bool:
    """Tell a workbook by its first bytes; also the old kind and one with a password, to refuse them by name."""
    return raw.startswith((ZIP, OLD))


def workbook_rows(raw: bytes, time_format: str) -> list[tuple[int, tuple[str, ...]]]:
    """Give the rows by their number, without empty cells at their end; times are written by `time_format`."""
    if raw.startswith(OLD):
        raise BadInput("the file is an old workbook (XLS) or has a password: save it as XLSX or CSV UTF-8 without one")
    try:
        return [(number, _cells(values, time_format)) for number, values in _rows(raw)]
    except _DAMAGED as error:
        raise BadInput(f"the file is no workbook (XLSX) or damaged ({type(error).__name__}): save it again") from None


def _rows(raw: bytes) -> list[tuple[int, tuple[object, ...]]]:
    with zipfile.ZipFile(BytesIO(raw)) as archive:
        if sum(part.file_size for part in archive.infolist()) > MAX_UNPACKED_BYTES:
            raise BadInput(f"the workbook unpacks to more than {MAX_UNPACKED_BYTES // 1024 // 1024} MB: split it")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on missing styles and the like, which nobody asks for here
        book = load_workbook(BytesIO(raw), read_only=True, data_only=True)
        sheets = book.worksheets
        if len(sheets) != 1:
            raise BadInput(f"the workbook has {len(sheets)} sheets: keep the one with the orders")
        sheets[0].reset_dimensions()  # a file may say less than it holds
        return [(number, row) for number, row in enumerate(sheets[0].values, 1) if row]


def _cells(values: tuple[object, ...], time_format: str) -> tuple[str, ...]:
    cells = [_text(value, time_format) for value in values]
    while cells and not cells[-1]:
        cells.pop()
    return tuple(cells)


def _text(value: object, time_format: str) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        # Times are fractions of a day: a second comes back a few microseconds early or late.
        return (value + timedelta(milliseconds=500)).replace(microsecond=0).strftime(time_format)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day).strftime(time_format)  # noqa: DTZ001  (has no zone here)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:.15g}" if abs(value) < EXACT_BELOW else f"{value:.14e}"
    return str(value).strip()
