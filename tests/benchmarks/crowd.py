"""A hundred thousand orders with everything that hangs on them, made inside the database in seconds.

The spread is that of a seller in the middle of a season: most orders are done, some thousands are on their way, some
hundreds need somebody. Everything is derived from the order's number, so that two builds are equal.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text

from domain.contacts import Contact, ContactForm
from store import contacts
from store.database import Database
from store.keyring import KeyRing

ORDERS = 100_000
DAYS = 90
SAMPLES = 300

# Without its trigger and foreign keys the database takes rows several times faster; what is built here is consistent.
_BEGIN = "SET LOCAL session_replication_role = replica; SET LOCAL statement_timeout = 0; SET LOCAL work_mem = '256MB'"
_PARTS = (Path(__file__).parent / "crowd.sql").read_text().split(";\n")
_TABLES = (
    "orders order_line contact reservation allocation fulfillment process_report parcel trace audit alert inbox"
    " observation unverified delivery outgoing sku_stock warehouse_stock"
)
_INDEXES = text(
    """
    SELECT c.relname AS name, pg_get_indexdef(i.indexrelid) AS definition
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
    WHERE NOT i.indisunique AND t.relname = ANY(:tables) ORDER BY 1
    """
)
_SAMPLE = text("SELECT key, no FROM orders WHERE shipped_at IS NOT NULL ORDER BY md5(key) LIMIT :samples")
_BUYERS = text("UPDATE orders SET buyer_index = :index WHERE key = :key")


@dataclass(frozen=True, slots=True)
class Sample:
    """One order of the crowd that can be found by everything."""

    key: str
    no: str
    waybill_no: str
    phone: str
    buyer: str


async def build(database: Database, ring: KeyRing, now: datetime, orders: int = ORDERS) -> list[Sample]:
    """Fill an empty, migrated database; give samples with a receiver in clear."""
    values: dict[str, Any] = {"orders": orders, "now": now, "days": timedelta(days=DAYS)}
    async with database.transaction() as tx:
        for statement in _BEGIN.split(";"):
            await tx.execute(text(statement))
        indexes = (await tx.execute(_INDEXES, {"tables": _TABLES.split()})).all()
        for index in indexes:  # a whole index is made faster than it grows
            await tx.exec_driver_sql(f"DROP INDEX {index.name}")
        for part in filter(str.strip, _PARTS):
            used = {name: value for name, value in values.items() if f":{name}" in part}
            await tx.execute(text(part), used)
        for index in indexes:
            await tx.exec_driver_sql(index.definition)
        samples = [_sample(n, row.key, row.no) for n, row in enumerate(await tx.execute(_SAMPLE, {"samples": SAMPLES}))]
        for one in samples:
            receiver = Contact(ContactForm.PLAIN, "广东省", "广州市", "白云区", "张三丰", one.phone, "人民路 1 号")
            await contacts.save(tx, ring, one.key, receiver)
            await tx.execute(_BUYERS, {"key": one.key, "index": ring.blind(one.buyer, "buyer")})
    await _settle(database)
    return samples


async def _settle(database: Database) -> None:
    """Do what autovacuum does in its own time: know the tables and mark what everybody may see."""
    async with database.engine.connect() as connection:
        alone = await connection.execution_options(isolation_level="AUTOCOMMIT")
        for table in _TABLES.split():
            await alone.exec_driver_sql(f"VACUUM (ANALYZE) {table}")


def _sample(n: int, key: str, no: str) -> Sample:
    return Sample(key, no, f"SF{no}", f"139{n:04d}8000", f"buyer-{n}")
