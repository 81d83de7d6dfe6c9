"""Importing: brings a channel's export file in, as history or live (INT-10). Owns the report of what became of it.

The whole file is read and checked before the first write: a broken file changes nothing. A row that is refused stays
out, the others come in.
"""

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from clients.clock import Clock
from connectors.files.columns import ColumnMap
from connectors.files.order_export import Refusal, read_export, refusal
from domain import exported
from domain.errors import BadInput
from domain.exported import ExportedOrder, Fault
from domain.observations import OrderObserved
from domain.orders import order_key
from store.database import Database
from store.inbox import Arrival, Inbox
from store.keyring import KeyRing
from store.order_history import ORDERS_PER_BATCH, Amounts, OrderHistory, Source, Sums, file_key
from store.reads.stock import StockReads
from store.shops import Shops

WAY = "file"
Check = Callable[[ExportedOrder], Fault | None]


@dataclass(frozen=True, slots=True)
class File:
    """A file as it was given: its bytes, its name without the folder, how to read it, and who brings it."""

    raw: bytes
    name: str
    shape: ColumnMap
    actor: str

    @property
    def source(self) -> Source:
        """Name the file for the record."""
        return Source(self.actor, self.name, hashlib.sha256(self.raw).hexdigest())


@dataclass(frozen=True, slots=True)
class Difference:
    """An order that was here before, with other amounts than the file's; it stays as it is."""

    line: int
    no: str
    here: Amounts
    file: Amounts

    def words(self) -> str:
        """Say it in one line, in whole units of the currency."""
        pairs = zip(("total", "paid", "refunded"), self.here, self.file, strict=True)
        return "; ".join(f"{name} {here / 100:.2f} here, {file / 100:.2f} there" for name, here, file in pairs)


@dataclass(slots=True)
class Report:
    """What became of a file. `rows` = accepted + duplicates + refused; a difference is a duplicate.

    `sums` add up the file's believable rows, `kept` the same orders as they stand here; live orders are still on
    their way then and have none.
    """

    rows: int
    accepted: int = 0
    duplicates: int = 0
    refused: list[Refusal] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    sums: list[Sums] = field(default_factory=list)
    kept: list[Sums] = field(default_factory=list)
    unknown_places: int = 0
    shop_known: bool = True


class Importer:
    """Imports files into one shop of one channel."""

    def __init__(self, database: Database, ring: KeyRing, shop: tuple[str, str], clock: Clock) -> None:
        self._history = OrderHistory(database, ring)
        self._inbox = Inbox(database, ring)
        self._shops = Shops(database, ring)
        self._stock = StockReads(database)
        self._shop = shop
        self._clock = clock

    async def history(self, file: File) -> Report:
        """Take every order in its final state, as a fact without a process; a second time changes nothing."""
        now = self._clock()
        rows, report = _checked(file, now, exported.history_fault)
        report.shop_known = await self._shops.find(*self._shop) is not None
        if not rows:
            return report
        inbox_id = await self._keep(file, report, now)
        for batch in _batches(rows):
            seen = {row.line: exported.as_history(row, *self._shop) for row in batch}
            known = await self._history.book(seen, inbox_id, file.actor, now)
            _count(report, {self._key(row): row for row in batch}, known)
        await self._finish(file, report, inbox_id, "history")
        report.kept = await self._history.sums([self._key(row) for row in rows])
        return report

    async def live(self, file: File, sku: str) -> Report:
        """Hand every order to apply as if its channel told it now; a second time changes nothing."""
        await self._live_needs(file.shape, sku)
        now = self._clock()
        rows, report = _checked(file, now, lambda row: exported.live_fault(row, sku))
        if not rows:
            return report
        inbox_id = await self._keep(file, report, now)
        shift = now - max(row.told_at for row in rows)
        for batch in _batches(rows):
            known = await self._history.known([self._key(row) for row in batch])
            for row in batch:
                seen = exported.as_live(row, self._shop, sku, shift)
                taken = self._key(row) not in known and await self._accept(file, inbox_id, row.line, seen, now)
                report.accepted += taken
                report.duplicates += not taken
        await self._finish(file, report, inbox_id, "live")
        return report

    async def _live_needs(self, shape: ColumnMap, sku: str) -> None:
        channel, shop = self._shop
        if await self._shops.find(channel, shop) is None:
            raise BadInput(f"no shop {channel}/{shop} is connected: --live needs one; see oms shop add")
        if not sku and not shape.columns.sku:
            raise BadInput("--live needs --sku CODE: the file has no column with SKUs")
        if sku and not await self._stock.rows(sku, 1):
            raise BadInput(f"no SKU {sku!r}; set its stock first: oms stock set {sku} COUNT --warehouse CODE")

    async def _accept(self, file: File, inbox_id: int, line: int, seen: OrderObserved, now: datetime) -> bool:
        """Store one order as a message of its own; its body names the file and the line that say it."""
        digest = file.source.digest
        raw = json.dumps({"sha256": digest, "inbox_id": inbox_id, "line": line}).encode()
        key = f"{file_key(digest)}:{seen.no}"
        return await self._inbox.accept(self._arrival(raw, now), key, None, (seen,))

    async def _keep(self, file: File, report: Report, now: datetime) -> int:
        return await self._history.keep_file(self._arrival(file.raw, now), file.source, report.rows)

    async def _finish(self, file: File, report: Report, inbox_id: int, mode: str) -> None:
        """Put the outcome on record; an import that changed nothing leaves no trace."""
        counts = {"accepted": report.accepted, "duplicates": report.duplicates, "refused": len(report.refused)}
        if report.accepted:
            more: dict[str, int | str] = {"mode": mode, "rows": report.rows, **counts}
            await self._history.finish("/".join(self._shop), file.source, self._clock(), inbox_id, more)

    def _arrival(self, raw: bytes, now: datetime) -> Arrival:
        return Arrival(*self._shop, WAY, {}, raw, now)

    def _key(self, row: ExportedOrder) -> str:
        return order_key(*self._shop, row.no)


def _checked(file: File, now: datetime, check: Check) -> tuple[list[ExportedOrder], Report]:
    """Read a file and sort its rows; nothing is written yet."""
    export = read_export(file.raw, file.shape)
    report = Report(export.rows, duplicates=export.repeated, refused=list(export.refused))
    rows: list[ExportedOrder] = []
    for row in export.orders:
        fault = exported.fault_of(row, now) or check(row)
        if fault is None:
            rows.append(row)
        else:
            report.refused.append(refusal(row.line, row.no, fault, file.shape))
    report.refused.sort(key=lambda one: one.line)
    report.sums = _sums(rows)
    report.unknown_places = sum(bool(row.contact.address) and not row.contact.province for row in rows)
    return rows, report


def _amounts(row: ExportedOrder) -> Amounts:
    return Amounts(row.total_minor, row.paid_minor, row.refunded_minor)


def _sums(rows: list[ExportedOrder]) -> list[Sums]:
    """Add up what the file says, per currency."""
    by_currency: dict[str, list[Amounts]] = {}
    for row in rows:
        by_currency.setdefault(row.currency, []).append(_amounts(row))
    return [Sums(currency, len(all_), Amounts.added(all_)) for currency, all_ in sorted(by_currency.items())]


def _count(report: Report, rows: Mapping[str, ExportedOrder], known: Mapping[str, Amounts]) -> None:
    report.accepted += len(rows) - len(known)
    report.duplicates += len(known)
    for key, here in known.items():
        row = rows[key]
        if here != _amounts(row):
            report.differences.append(Difference(row.line, row.no, here, _amounts(row)))


def _batches(rows: list[ExportedOrder]) -> Iterator[list[ExportedOrder]]:
    for start in range(0, len(rows), ORDERS_PER_BATCH):
        yield rows[start : start + ORDERS_PER_BATCH]


def report_csv(report: Report) -> bytes:
    """Write every row that stayed out or differs, as a spreadsheet reads it (UTF-8 with BOM)."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(("line", "order", "what", "column", "reason"))
    for one in report.refused:
        writer.writerow((one.line, one.no, "refused", one.column, one.reason))
    for other in report.differences:
        writer.writerow((other.line, other.no, "differs", "", other.words()))
    return text.getvalue().encode("utf-8-sig")
