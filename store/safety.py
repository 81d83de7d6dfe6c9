"""Safety stock in SQL (INV-5): set for single SKUs and for whole files, each row checked, the difference told."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain import safety
from domain.by import By
from domain.errors import BadInput
from domain.safety import SafetyRow, Wanted
from domain.stock_rules import Safety
from store import audit, stock_ledger, stock_state

MOST_FAULTS = 20
"""How many faults of a file are told at once."""
MOST_ENTRIES = 50
"""More rows than that are one entry of the audit log, which names the first."""

_SKUS = text("SELECT sku FROM sku_stock WHERE sku = ANY(CAST(:skus AS text[]))")
_READ = text("SELECT sku, channel, units FROM safety_stock WHERE sku = ANY(CAST(:skus AS text[]))")
_SET = text(
    """
    INSERT INTO safety_stock (sku, channel, units, updated_at)
    SELECT r.*, CAST(:now AS timestamptz)
    FROM unnest(CAST(:skus AS text[]), CAST(:channels AS text[]), CAST(:units AS int[])) AS r
    ON CONFLICT (sku, channel) DO UPDATE SET units = excluded.units, updated_at = excluded.updated_at
    """
)
_UNSET = text(
    """
    DELETE FROM safety_stock s USING unnest(CAST(:skus AS text[]), CAST(:channels AS text[])) AS r (sku, channel)
    WHERE s.sku = r.sku AND s.channel = r.channel
    """
)


@dataclass(frozen=True, slots=True)
class SafetyPlan:
    """What rows come to: their faults, or what they would change, as values and in words."""

    faults: list[str]
    changes: Wanted
    lines: list[str]


async def plan(tx: AsyncConnection, rows: Sequence[SafetyRow]) -> SafetyPlan:
    """Check rows against what is counted and connected, and compare them with what is set; nothing is written."""
    skus = sorted({row.sku for row in rows})
    counted = set((await tx.execute(_SKUS, {"skus": skus})).scalars())
    channels = {channel for channel, _ in await stock_state.selling(tx)}
    faults = safety.faults_of(rows, counted, channels)
    if faults:
        return SafetyPlan(faults, {}, [])
    before, wanted = await read(tx, skus), safety.wanted(rows)
    return SafetyPlan([], safety.changes(before, wanted), safety.difference(before, wanted))


async def put(tx: AsyncConnection, rows: Sequence[SafetyRow], by: By, now: datetime) -> list[str]:
    """Set safety stock as the rows say, all or nothing; give the difference in words. BadInput names faults by row."""
    await stock_ledger.lock(tx, (row.sku for row in rows))
    made = await plan(tx, rows)
    if made.faults:
        raise BadInput(told(made.faults))
    for statement, gone in ((_SET, False), (_UNSET, True)):
        some = [(*place, units) for place, units in made.changes.items() if (units is None) is gone]
        skus, channels, units = ([row[n] for row in some] for n in range(3))
        values = {"skus": skus, "channels": channels} | ({} if gone else {"units": units, "now": now})
        await tx.execute(statement, values)
    await stock_ledger.touch(tx, (sku for sku, _ in made.changes), now)
    await _audit(tx, made, by, now)
    return made.lines


async def read(tx: AsyncConnection, skus: Iterable[str]) -> Safety:
    """Give what is set for these SKUs."""
    return {(row.sku, row.channel): row.units for row in await tx.execute(_READ, {"skus": sorted(set(skus))})}


def told(faults: Sequence[str]) -> str:
    """Say the first faults of a file in one text."""
    more = f"\nand {len(faults) - MOST_FAULTS} more" if len(faults) > MOST_FAULTS else ""
    return "\n".join(["nothing is set:", *faults[:MOST_FAULTS]]) + more


async def _audit(tx: AsyncConnection, made: SafetyPlan, by: By, now: datetime) -> None:
    common = {"actor": by.actor, "reason": by.reason}
    if len(made.changes) > MOST_ENTRIES:
        rows, first = len(made.changes), made.lines[:MOST_ENTRIES]
        await audit.write(tx, "safety.set", "safety_stock", now, **common, rows=rows, first=first)
        return
    entries = [
        audit.entry("safety.set", sku, now, **common, channel=channel, units=units)
        for (sku, channel), units in made.changes.items()
    ]
    await audit.write_all(tx, entries)
