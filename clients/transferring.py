"""Transfer requests from a form or a spreadsheet (INV-12): read, checked row by row, shown as a difference, written.

Nothing is written unless every row is right, or the wrong ones are left out on purpose.
"""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass

from clients.clock import Clock
from connectors.files.transfer_sheet import Sheet
from domain.errors import BadInput
from domain.transfers import COLUMNS, Asked, Change, Fault, Move, check, diff, missing_totals
from store import settings_docs, transfers
from store.database import Database
from store.settings_docs import Profile
from store.transfers import Made


@dataclass(frozen=True, slots=True)
class Checked:
    """What a request says: the rows that are right, the faults of the others, and what it would change."""

    sheet: Sheet
    moves: tuple[Move, ...]
    faults: tuple[Fault, ...]
    changes: tuple[Change, ...]

    @property
    def refused(self) -> list[int]:
        """The lines that are not right."""
        return sorted({fault.line for fault in self.faults})


def form(source: str, target: str, sku: str, quantity: int) -> Sheet:
    """Take one line that was typed as a request."""
    cells = {"from": source, "to": target, "sku": sku, "quantity": str(quantity)}
    return Sheet((Asked(1, cells),), {name: name for name in COLUMNS})


class Transferring:
    """Checks requests and writes them down."""

    def __init__(self, database: Database, profile: Profile, clock: Clock) -> None:
        self._database = database
        self._profile = profile
        self._clock = clock

    async def check(self, sheet: Sheet, totals: Mapping[str, int]) -> Checked:
        """Check every row; changes nothing. BadInput when a place with a control total is in no row."""
        async with self._database.transaction() as tx:
            known = await transfers.known(tx, (row.cells["sku"] for row in sheet.rows), totals)
        moves, faults = check(sheet.rows, known)
        if not sheet.rows:
            raise BadInput("the request has no rows")
        absent = missing_totals(moves, totals) if not faults else []
        if absent:
            raise BadInput(f"{', '.join(absent)}: there is a control total and no row; is a row missing?")
        return Checked(sheet, tuple(moves), tuple(faults), tuple(diff(moves, known.on_hand)))

    async def write(self, checked: Checked, actor: str, *, skip_bad: bool = False) -> Made:
        """Write the right rows down in one transaction; BadInput when some are wrong and may not be left out."""
        if checked.faults and not skip_bad:
            raise BadInput(f"{len(checked.refused)} rows are wrong: nothing was written; mend them, or --skip-bad")
        if not checked.moves:
            raise BadInput("no row is right: nothing was written")
        async with self._database.transaction() as tx:
            rules = await settings_docs.stock_rules(tx, self._profile)
            units = rules.transfer_approval_units
            return await transfers.request(tx, checked.moves, actor, units, self._clock())


def refused_csv(checked: Checked) -> bytes:
    """Write the rows that stayed out with what is wrong with each, as a spreadsheet reads it (UTF-8 with BOM)."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow((*(checked.sheet.column(name) for name in COLUMNS), "line", "reason"))
    reasons: dict[int, list[str]] = {}
    for fault in checked.faults:
        reasons.setdefault(fault.line, []).append(f"{checked.sheet.column(fault.column)} {fault.reason}".strip())
    for row in checked.sheet.rows:
        if row.line in reasons:
            writer.writerow((*(row.cells[name] for name in COLUMNS), row.line, "; ".join(reasons[row.line])))
    return text.getvalue().encode("utf-8-sig")
