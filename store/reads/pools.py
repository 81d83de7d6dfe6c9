"""Channel pools as people look at them: who sells from each, and what it has."""

from dataclasses import dataclass

from sqlalchemy import text

from domain.errors import BadInput
from store.database import Database

_ALL = text(
    """
    SELECT p.code, p.title, coalesce(s.skus, 0) AS skus, coalesce(s.locked, 0) AS locked,
        coalesce(m.shops, '{}') AS shops
    FROM channel_pool p
    LEFT JOIN (SELECT pool, count(*) FILTER (WHERE locked > 0)::int AS skus, sum(locked)::int AS locked FROM pool_stock
        GROUP BY pool) s ON s.pool = p.code
    LEFT JOIN (SELECT pool, array_agg(channel || '/' || CASE shop WHEN '' THEN '*' ELSE shop END ORDER BY channel, shop)
        AS shops FROM pool_member GROUP BY pool) m ON m.pool = p.code
    WHERE CAST(:code AS text) IS NULL OR p.code = :code ORDER BY p.code
    """
)
_STOCK = text(
    """
    SELECT p.sku, s.title, p.locked, p.share_percent, s.on_hand - s.reserved - s.allocated - s.pooled AS common
    FROM pool_stock p JOIN sku_stock s ON s.sku = p.sku
    WHERE p.pool = :code AND (p.locked > 0 OR p.share_percent IS NOT NULL) ORDER BY p.sku LIMIT :most
    """
)


@dataclass(frozen=True, slots=True)
class PoolRow:
    """A pool: its shops (`channel/*` is a whole channel), how many SKUs it has locked, and how many units."""

    code: str
    title: str
    skus: int
    locked: int
    shops: list[str]


@dataclass(frozen=True, slots=True)
class PoolSku:
    """What a pool has of a SKU, beside what is common to all."""

    sku: str
    title: str
    locked: int
    share_percent: int | None
    common: int


class PoolReads:
    """Answers questions about pools."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def rows(self) -> list[PoolRow]:
        """List all pools."""
        async with self._database.transaction() as tx:
            return [PoolRow(**row._mapping) for row in await tx.execute(_ALL, {"code": None})]

    async def one(self, code: str, most: int) -> tuple[PoolRow, list[PoolSku]]:
        """Give a pool with its stock; BadInput when there is none of that code."""
        async with self._database.transaction() as tx:
            row = (await tx.execute(_ALL, {"code": code})).one_or_none()
            if row is None:
                raise BadInput(f"no pool {code!r}; see oms pool list, or add it: oms pool add {code}")
            stock = await tx.execute(_STOCK, {"code": code, "most": most})
            return PoolRow(**row._mapping), [PoolSku(**one._mapping) for one in stock]
