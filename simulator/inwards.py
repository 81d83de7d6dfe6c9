"""The people at the warehouse's other door: they receive what was announced, and count the shelves.

Owns when goods arrive and what a stocktake finds; stock is the warehouse's.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass, field

from simulator.picking import Picking
from simulator.qimen import Refused
from simulator.qimen_entries import Entry, Stocked, change_report, entry_confirmation, stocktake_report
from simulator.returns import Returns
from simulator.seeds import jittered, rng
from simulator.settings import Profile
from simulator.warehouse import GOOD, Warehouse


@dataclass
class Inwards:
    """Receives and counts; its messages go the way of the pickers'."""

    warehouse: Warehouse
    picking: Picking
    profile: Profile
    seed: int
    entries: dict[str, Entry] = field(default_factory=dict)
    stocktakes: int = 0
    returns: Returns = field(init=False)

    def __post_init__(self) -> None:
        self.returns = Returns(self.warehouse, self.picking, self.profile, self.seed)

    def entry_id(self, code: str) -> str:
        """Draw the warehouse's own number of an entry."""
        return f"RK{rng(self.seed, 'entry', code).randrange(10**10):010d}"

    def accept(self, entry: Entry) -> Entry:
        """Take note of what will arrive; a repeated code gives the first one. Raises Refused for an unknown item."""
        known = self.entries.get(entry.code)
        if known is not None:
            known.creates += 1
            return known
        skus = {sku for sku, _ in self.warehouse.stock}
        for line in entry.lines:
            if line.sku not in skus:
                raise Refused("item-not-found", f"itemCode {line.sku} is not known to the warehouse")
        self.entries[entry.code] = entry
        self.picking.tasks.spawn(self._receive(entry))
        return entry

    async def _receive(self, entry: Entry) -> None:
        """Let the goods arrive, in two lorries where the world says so."""
        source = rng(self.seed, "arrival", entry.code)
        twice = source.random() < self.profile.partial_confirm_share and sum(one.quantity for one in entry.lines) > 1
        whole = Counter({line.no: line.quantity for line in entry.lines})
        first = Counter({no: n // 2 for no, n in whole.items() if n // 2})
        lorries = [first, whole - first] if twice and first else [whole]
        for n, units in enumerate(lorries, 1):
            await asyncio.sleep(jittered(source, self.profile.entry_after, self.profile.jitter))
            self._book(entry, units, n, final=n == len(lorries))

    def _book(self, entry: Entry, units: Counter[str], n: int, *, final: bool) -> None:
        changes: list[tuple[Stocked, int]] = []
        for line in entry.lines:
            if units[line.no]:
                self.warehouse.stock[line.sku, line.condition] += units[line.no]
                entry.received[line.sku] = entry.received.get(line.sku, 0) + units[line.no]
                changes.append(((line.sku, line.condition), units[line.no]))
        entry.status = "FULFILLED" if final else "PARTFULFILLED"
        code = f"{entry.id}-{n}"
        body = entry_confirmation(entry, units, self.picking.settings, out_biz_code=code, final=final)
        self.picking.post(f"{entry.code}-{code}", "entryorder.confirm", body)
        self._tell(changes, entry.code, entry.order_type, code)

    async def count(self) -> None:
        """Count the shelves once, when the world says so, and report what is lost or too much."""
        if self.profile.count_after is None:
            return
        await asyncio.sleep(self.profile.count_after)
        self.stocktake()

    def stocktake(self) -> None:
        """Find what the world says is lost or too much; what is bound to an order is still there."""
        found: list[tuple[Stocked, int, int]] = []
        for sku, by in self.profile.count_finds.items():
            key = (sku, GOOD)
            by = max(by, self.warehouse.locked[key] - self.warehouse.stock[key])
            if by:
                self.warehouse.stock[key] += by
                found.append((key, by, self.warehouse.stock[key]))
        self.stocktakes += 1
        code = f"PD{self.seed}-{self.stocktakes}"
        if found:
            self.picking.post(code, "inventory.report", stocktake_report(found, self.picking.settings, code=code))
            self._tell([(key, by) for key, by, _ in found], code, "QTCK", f"{code}-change")

    def _tell(self, changes: list[tuple[Stocked, int]], code: str, order_type: str, out_biz_code: str) -> None:
        """Tell of a change once more, as some warehouses do of everything."""
        if self.profile.tells_changes and changes:
            names = {"order_code": code, "order_type": order_type, "out_biz_code": out_biz_code}
            body = change_report(changes, self.picking.settings, **names)
            self.picking.post(out_biz_code, "stockchange.report", body)

    def finished(self) -> bool:
        """Tell whether everything that was announced, and is sent at all, has arrived."""
        return all(entry.status == "FULFILLED" for entry in self.entries.values()) and self.returns.finished()
