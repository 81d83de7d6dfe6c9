"""A transfer request in a spreadsheet (调拨申请, INV-12): from, to, SKU, quantity, and perhaps a control total.

Owns the names of its columns and which cell stands under which. A row with more cells than the header is not read as if
nothing were wrong: it is handed on as shifted (I-9).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connectors.files.table import Row, read_table
from domain.errors import BadInput
from domain.transfers import COLUMNS, TOTAL, Asked

NAMES: Mapping[str, tuple[str, ...]] = {
    "from": ("调出", "调出仓", "from"),
    "to": ("调入", "调入仓", "to"),
    "sku": ("商品编码", "SKU", "sku"),
    "quantity": ("数量", "quantity"),
    TOTAL: ("调入合计", "total"),
}
"""What the header may say; the last column is optional."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A request as it was read; `names` are the file's own names of its columns."""

    rows: tuple[Asked, ...]
    names: Mapping[str, str]

    def column(self, ours: str) -> str:
        """Say a column in the file's own word."""
        return self.names.get(ours, ours)


def read_sheet(raw: bytes) -> Sheet:
    """Read a CSV file or a workbook; BadInput when it is broken as a whole or its header is another."""
    table = read_table(raw, ragged=True)
    names = _names(table.header)
    return Sheet(tuple(_asked(row, table.header, names) for row in table.rows), names)


def _names(header: Sequence[str]) -> dict[str, str]:
    """Find our columns in the header; one that nobody knows may be a shifted one, so it is refused."""
    found = {ours: name for name in header for ours, known in NAMES.items() if name in known}
    missing = [NAMES[ours][0] for ours in COLUMNS if ours not in found]
    if missing:
        raise BadInput(f"line 1: column {', '.join(missing)} is missing; the file has {', '.join(header)}")
    strange = [name or "(no name)" for name in header if name not in found.values()]
    if strange:
        raise BadInput(f"line 1: column {', '.join(strange)} is none of {', '.join(n[0] for n in NAMES.values())}")
    return found


def _asked(row: Row, header: Sequence[str], names: Mapping[str, str]) -> Asked:
    """Put each cell under its name; cells at the end that a row lacks are empty."""
    cells = (*row.cells, *("",) * (len(header) - len(row.cells)))
    found = {ours: cells[header.index(name)] for ours, name in names.items()}
    return Asked(row.line, found, max(0, len(row.cells) - len(header)))
