"""How long it takes until it is known what every shop is shown of everything after a pool change (INV-1, INV-6).

A hundred thousand SKUs on nine channels, each channel with a pool of its own that has units and shares of a third of
them; safety stock everywhere, a tenth of the SKUs with too much that waits to be shipped, two thousand bundles.
"""

import tempfile
import time
from pathlib import Path

from sqlalchemy import text

from clients.clock import utc_now
from clients.embedded import EmbeddedPostgres, Ports
from domain.by import By
from domain.pool_changes import Difference, LockPercent
from store import migrations, pool_changes, settings_docs
from store.database import Database
from store.exposure import ShownEverywhere, shown_everywhere

SKUS = 100_000
CHANNELS = ("douyin", "jd", "kuaishou", "own", "pdd", "taobao", "vip", "wechat", "xhs")
CHANGE = LockPercent("pool-douyin", (), 40)
BUNDLE_EVERY = 50
_FILL = [
    """
    INSERT INTO shop (vendor, code, role, zone, currency, endpoint_url, key_id, secrets_sealed, params, created_at)
    SELECT c, 'shop', 'sales', 'Asia/Shanghai', 'CNY', 'http://shop.example', 'k', '', '{}', :now
    FROM unnest(CAST(:channels AS text[])) c
    """,
    "INSERT INTO channel_pool (code, created_at) SELECT 'pool-' || c, :now FROM unnest(CAST(:channels AS text[])) c",
    "INSERT INTO pool_member (channel, shop, pool) SELECT c, '', 'pool-' || c FROM unnest(CAST(:channels AS text[])) c",
    """
    INSERT INTO pool_stock (pool, sku, locked, share_percent, updated_at)
    SELECT 'pool-' || c, 'S' || lpad(n::text, 6, '0'), n % 7, CASE WHEN n % 2 = 0 THEN 60 END, :now
    FROM unnest(CAST(:channels AS text[])) WITH ORDINALITY AS t (c, place), generate_series(1, CAST(:skus AS int)) n
    WHERE (n + place) % 3 = 0
    """,
    """
    INSERT INTO sku_stock (sku, title, on_hand, reserved, allocated, pooled, updated_at)
    SELECT s.sku, 'item', 100 + s.n % 400 + p.pooled, CASE WHEN s.n % 10 = 0 THEN 40 ELSE s.n % 9 END, s.n % 6,
        p.pooled, :now
    FROM (SELECT n, 'S' || lpad(n::text, 6, '0') AS sku FROM generate_series(1, CAST(:skus AS int)) n) s
    CROSS JOIN LATERAL (SELECT coalesce(sum(locked), 0)::int AS pooled FROM pool_stock WHERE sku = s.sku) p
    """,
    "INSERT INTO safety_stock (sku, channel, units, updated_at) SELECT sku, '', 5, :now FROM sku_stock",
    """
    INSERT INTO bundle_component (bundle, sku, quantity)
    SELECT 'B' || n, 'S' || lpad((n + part)::text, 6, '0'), part + 1
    FROM generate_series(1, CAST(:skus AS int) - 1, CAST(:every AS int)) n, generate_series(0, 1) part
    """,
    "ANALYZE sku_stock, pool_stock, safety_stock, bundle_component",
]


async def fill(database: Database, skus: int = SKUS) -> None:
    """Fill an empty, migrated database."""
    values = {"now": utc_now(), "channels": list(CHANNELS), "skus": skus, "every": BUNDLE_EVERY}
    async with database.transaction() as tx:
        await tx.execute(text("SET LOCAL statement_timeout = 0"))
        for statement in _FILL:
            names = {name: value for name, value in values.items() if f":{name}" in statement}
            await tx.execute(text(statement), names)


async def change(database: Database) -> None:
    """Lock a part of everything that is free for one pool."""
    async with database.transaction() as tx:
        await pool_changes.make(tx, CHANGE, By("bench", "a live show"), utc_now())


async def preview(database: Database) -> list[Difference]:
    """Say beforehand what that comes to, for every shop."""
    async with database.transaction() as tx:
        return await pool_changes.preview(tx, CHANGE)


async def recompute(database: Database) -> ShownEverywhere:
    """Give what every shop is shown of everything."""
    async with database.transaction() as tx:
        return await shown_everywhere(tx)


async def measure() -> dict[str, float]:
    """Change a pool over all SKUs, then recompute everything; both in seconds."""
    with tempfile.TemporaryDirectory() as name:
        postgres = EmbeddedPostgres(Path(name), Ports(Path(name)))
        database = Database(postgres.start(), pool=2)
        try:
            await migrations.upgrade(database)
            async with database.transaction() as tx:
                await settings_docs.seed(tx, utc_now())
            await fill(database)
            begun = time.perf_counter()
            await change(database)
            changed = time.perf_counter()
            shown = await recompute(database)
            done = time.perf_counter()
        finally:
            await database.close()
            postgres.stop()
    numbers = sum(len(one) for one in shown.quantities.values())
    expected = len(CHANNELS) * (SKUS + SKUS // BUNDLE_EVERY)
    if numbers != expected:
        raise SystemExit(f"recompute: {numbers} numbers where {expected} are due")
    return {"pool_change_seconds": round(changed - begun, 2), "recompute_seconds": round(done - changed, 2)}
