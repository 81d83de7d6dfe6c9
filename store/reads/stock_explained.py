"""Why a SKU's numbers are what they are: where it lies by grade, what is kept back, and what each shop is shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.exposure import Exposure, Term, bundle_sentence, explain, sentence
from domain.stock import Counters
from domain.stock_state import ShopKey, ShopView, StockState, pool_of
from store import stock_state
from store.database import Database

_TITLE = text(
    """
    SELECT s.title, s.version, l.since FROM sku_stock s LEFT JOIN lowered_exposure l ON l.sku = s.sku
    WHERE s.sku = :sku
    """
)
_PLACES = text(
    """
    SELECT s.warehouse, coalesce(w.name, '') AS name, s.on_hand AS good, s.allocated, s.defective, s.quarantine
    FROM warehouse_stock s LEFT JOIN warehouse w ON w.code = s.warehouse WHERE s.sku = :sku ORDER BY s.warehouse
    """
)
_POOLS = text(
    """
    SELECT p.code, p.title, s.locked, s.share_percent FROM pool_stock s JOIN channel_pool p ON p.code = s.pool
    WHERE s.sku = :sku AND (s.locked > 0 OR s.share_percent IS NOT NULL) ORDER BY p.code
    """
)
_IN_BUNDLES = text("SELECT bundle FROM bundle_component WHERE sku = :sku ORDER BY bundle")


@dataclass(frozen=True, slots=True)
class PlaceStock:
    """What lies in one warehouse by grade, in units; of the good ones `allocated` are promised to orders."""

    warehouse: str
    name: str
    good: int
    allocated: int
    defective: int
    quarantine: int
    in_transit: int = 0


@dataclass(frozen=True, slots=True)
class PoolPart:
    """What a channel pool has of a SKU: units locked and not sold, the share that it shows of the common ones."""

    code: str
    title: str
    locked: int
    share_percent: int | None


@dataclass(frozen=True, slots=True)
class ShopNumber:
    """What a shop may sell, the parts of that number in the order of the formula, and the same as a sentence."""

    channel: str
    shop: str
    pool: str
    quantity: int
    sentence: str
    exposure: Exposure | None = None
    terms: tuple[Term, ...] = ()


@dataclass(frozen=True, slots=True)
class ExplainedSku:
    """Everything that a SKU's numbers are made from. A bundle has `parts` (SKU and units of each) and no counters.

    `safety` is by channel, empty for all that are not core; `lowered_since`: live channels are shown less (INV-8).
    """

    sku: str
    title: str
    version: int
    counters: Counters | None
    places: tuple[PlaceStock, ...]
    pools: tuple[PoolPart, ...]
    safety: Mapping[str, int]
    lowered_since: datetime | None
    parts: Mapping[str, int]
    bundles: tuple[str, ...]
    shops: tuple[ShopNumber, ...]


class StockExplained:
    """Explains numbers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def explain(self, sku: str) -> ExplainedSku | None:
        """Explain one SKU or bundle; None when nobody knows it."""
        async with self._database.transaction() as tx:
            looked = await stock_state.look(tx, [sku])
            if sku not in looked.versions:
                return None
            return await _explained(tx, sku, looked.state, looked.versions[sku])


async def _explained(tx: AsyncConnection, sku: str, state: StockState, version: int) -> ExplainedSku:
    row, values = (await tx.execute(_TITLE, {"sku": sku})).one_or_none(), {"sku": sku}
    bundle = state.bundles.get(sku, {})
    return ExplainedSku(
        sku=sku,
        title=row.title if row else "",
        version=version,
        counters=None if bundle else state.counters[sku],
        places=tuple(PlaceStock(**place._mapping) for place in await tx.execute(_PLACES, values)),
        pools=tuple(PoolPart(**part._mapping) for part in await tx.execute(_POOLS, values)),
        safety={channel: units for (of, channel), units in sorted(state.safety.items()) if of == sku},
        lowered_since=row.since if row else None,
        parts=bundle,
        bundles=tuple((await tx.execute(_IN_BUNDLES, values)).scalars()),
        shops=tuple(_number(state, place, sku) for place in state.shops),
    )


def _number(state: StockState, place: ShopKey, sku: str) -> ShopNumber:
    view, who = ShopView(state, place), "/".join(place)
    shown = view.quantities()
    pool, parts = pool_of(state.members, place), state.bundles.get(sku)
    if parts is not None:
        return ShopNumber(*place, pool, shown[sku], bundle_sentence(parts, shown, who))
    counters, seen = state.counters[sku], view.exposure(sku)
    terms = tuple(explain(counters, seen))
    return ShopNumber(*place, pool, shown[sku], sentence(counters, seen, who), seen, terms)
