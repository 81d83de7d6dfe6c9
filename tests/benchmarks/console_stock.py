"""What the console's stock pages cost in the store at a hundred thousand SKUs (OPS-6): server time per call."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from sqlalchemy import text

from store.database import Database
from store.reads.breakers import BreakerReads
from store.reads.pages import FIRST, Place
from store.reads.stock import ONLY, StockReads
from store.reads.stock_explained import StockExplained
from store.reads.stock_ledger import StockLedgerReads

SKUS = 100_000
DEEP_ROWS = 1000
CROWD = """
    INSERT INTO sku_stock (sku, title, on_hand, reserved, allocated, pooled, trial_left, version, updated_at)
    SELECT 'BENCH-' || lpad(n::text, 6, '0'), '商品 ' || n, n % 50, 0, 0, 0, CASE WHEN n % 997 = 0 THEN 0 END, 1, now()
    FROM generate_series(1, {skus}) n;
    INSERT INTO breaker_event (sku, cause, opened_at, opened_by)
    SELECT sku, 'hand', now(), 'bench' FROM sku_stock WHERE trial_left = 0;
    INSERT INTO breaker_event (sku, cause, opened_at, opened_by, closed_at, closed_by, ended)
    SELECT sku, 'failures', now(), 'breaker', now(), 'breaker', 'restock' FROM sku_stock WHERE on_hand < 10;
    INSERT INTO proposal (sku, kind, size, state, atp, sold, made_at)
    SELECT sku, 'limit', 2, 'proposed', 5, 50, now() FROM sku_stock WHERE on_hand = 5;
    INSERT INTO stock_ledger (sku, at, reason, ref, on_hand)
    SELECT 'BENCH-000049', now() - n * interval '1 minute', 'set', 'bench', 0 FROM generate_series(1, 50000) n;
    ANALYZE sku_stock, breaker_event, proposal, stock_ledger
"""
Timed = Callable[[str, Callable[[int], Awaitable[Any]]], Awaitable[float]]


async def measure_stock(database: Database, timed: Timed) -> dict[str, float]:
    """Build the SKUs, time the board with every filter and the pages about one SKU; give the worst p95 of each."""
    async with database.transaction() as tx:
        for statement in CROWD.format(skus=SKUS).split(";"):
            await tx.execute(text(statement))
    reads, ledger = StockReads(database), StockLedgerReads(database)
    board = [await timed(f"stock: {only or 'all'}", await _board(reads, only)) for only in ("", *ONLY)]
    board.append(await timed("stock: begin", lambda n: reads.board(f"BENCH-{n % 100:03d}")))
    sku = [
        await timed("stock: explained", lambda n: StockExplained(database).explain(f"BENCH-{n + 1:06d}")),
        await timed("stock: ledger", lambda _: ledger.lines("BENCH-000049")),
    ]
    return {
        "stock_board_p95_ms": max(board),
        "stock_counts_p95_ms": await timed("stock: counts", lambda _: reads.counts()),
        "stock_sku_p95_ms": max(sku),
        "breakers_p95_ms": await timed("breakers", lambda _: BreakerReads(database).events()),
    }


async def _board(reads: StockReads, only: str) -> Callable[[int], Awaitable[Any]]:
    """Ask for the first page and a deep one in turn."""
    deep = Place((await reads.board(rows=DEEP_ROWS, only=only)).next)
    return partial(_page, reads, only, [FIRST, deep])


async def _page(reads: StockReads, only: str, places: list[Place], n: int) -> None:
    await reads.board(place=places[n % len(places)], only=only)
