"""Shops that sell, and what each is shown: for tests of pools and exposure."""

from dataclasses import replace

from domain.by import By
from domain.pool_changes import Decided, PoolChange
from domain.shops import Role
from domain.stock_state import ShopKey
from store import pool_changes
from store.database import Database
from store.exposure import ShownEverywhere, shown_everywhere
from store.keyring import KeyRing
from store.shops import Shops
from tests.conftest import NOON
from tests.store.builders import WMS

BY = By("alice", "singles' day")


async def sell(database: Database, ring: KeyRing, *shops: ShopKey) -> None:
    """Connect shops that sell."""
    for channel, shop in shops:
        await Shops(database, ring).add(replace(WMS, vendor=channel, code=shop, role=Role.SALES), None, NOON)


async def seen(database: Database, *skus: str) -> ShownEverywhere:
    """Give what every shop is shown of these SKUs, or of everything."""
    async with database.transaction() as tx:
        return await shown_everywhere(tx, skus or None)


async def make(database: Database, change: PoolChange, by: By = BY) -> Decided:
    """Make a pool change in a transaction of its own."""
    async with database.transaction() as tx:
        return await pool_changes.make(tx, change, by, NOON)
