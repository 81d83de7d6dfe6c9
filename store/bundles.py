"""Bundles in SQL: which components a bundle consumes (INV-1). Stock is counted for components only.

A change counts for orders that come after it: what an order holds, or ever held, stays what it was.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.bundles import Known, faults
from domain.errors import BadInput
from domain.stock import Demand, expand
from store import audit

_COMPONENTS = text(
    """
    SELECT bundle, sku, quantity FROM bundle_component WHERE bundle = ANY(CAST(:skus AS text[])) ORDER BY bundle, sku
    """
)
_COUNTED = text("SELECT sku FROM sku_stock WHERE sku = ANY(CAST(:skus AS text[]))")
_OTHERS = text("SELECT bundle, sku FROM bundle_component WHERE bundle <> :bundle")
_ALONE = text("SELECT pg_advisory_xact_lock(hashtextextended('bundles', 0))")
_BESIDE = text("SELECT pg_advisory_xact_lock_shared(hashtextextended('bundles', 0))")
_DROP = text("DELETE FROM bundle_component WHERE bundle = :bundle")
_PUT = text("INSERT INTO bundle_component (bundle, sku, quantity) VALUES (:bundle, :sku, :quantity)")
_ALL = text("SELECT bundle, sku, quantity FROM bundle_component ORDER BY bundle, sku")
_IS_ONE = text("SELECT 1 FROM bundle_component WHERE bundle = :sku LIMIT 1")


async def components(tx: AsyncConnection, skus: Iterable[str]) -> dict[str, dict[str, int]]:
    """Give the components of those of these SKUs that are bundles."""
    found: dict[str, dict[str, int]] = {}
    for row in await tx.execute(_COMPONENTS, {"skus": sorted(set(skus))}):
        found.setdefault(row.bundle, {})[row.sku] = row.quantity
    return found


async def expanded(tx: AsyncConnection, demands: Iterable[Demand]) -> list[Demand]:
    """Replace the bundles among these demands by their components."""
    wanted = list(demands)
    return expand(wanted, await components(tx, (demand.sku for demand in wanted)))


async def put(tx: AsyncConnection, bundle: str, parts: Mapping[str, int], now: datetime, actor: str) -> bool:
    """Make a bundle of these components, or change it; False when it is so already. BadInput says what is wrong."""
    await tx.execute(_ALONE)
    before = (await components(tx, [bundle])).get(bundle, {})
    if before == dict(parts):
        return False
    if wrong := faults(bundle, parts, await _known(tx, bundle, parts)):
        raise BadInput("; ".join(wrong))
    await tx.execute(_DROP, {"bundle": bundle})
    await tx.execute(_PUT, [{"bundle": bundle, "sku": sku, "quantity": n} for sku, n in sorted(parts.items())])
    await audit.write(tx, "bundle.set", bundle, now, actor=actor, was=before, parts=dict(parts))
    return True


async def remove(tx: AsyncConnection, bundle: str, now: datetime, actor: str) -> None:
    """Stop selling a bundle; orders that hold its components keep them. BadInput when there is none."""
    await tx.execute(_ALONE)
    before = (await components(tx, [bundle])).get(bundle)
    if before is None:
        raise BadInput(f"no bundle {bundle!r}; see oms bundle list")
    await tx.execute(_DROP, {"bundle": bundle})
    await audit.write(tx, "bundle.removed", bundle, now, actor=actor, was=before)


async def listed(tx: AsyncConnection) -> dict[str, dict[str, int]]:
    """Give all bundles with their components."""
    found: dict[str, dict[str, int]] = {}
    for row in await tx.execute(_ALL):
        found.setdefault(row.bundle, {})[row.sku] = row.quantity
    return found


async def refuse_counting(tx: AsyncConnection, sku: str) -> None:
    """Refuse to count units of a SKU that is a bundle; none becomes one until this transaction ends."""
    await tx.execute(_BESIDE)
    if (await tx.execute(_IS_ONE, {"sku": sku})).one_or_none() is not None:
        raise BadInput(f"{sku} is a bundle: count its components instead, see oms bundle show {sku}")


async def _known(tx: AsyncConnection, bundle: str, parts: Mapping[str, int]) -> Known:
    counted = {row.sku for row in await tx.execute(_COUNTED, {"skus": sorted({bundle, *parts})})}
    others = (await tx.execute(_OTHERS, {"bundle": bundle})).all()
    return Known(counted, {row.bundle for row in others}, {row.sku for row in others})
