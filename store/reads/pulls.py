"""How far each shop is pulled, for people."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from store.database import Database

_ALL = text(
    "SELECT vendor, shop, watermark, pulled_at, failures, reason FROM pull WHERE kind = 'order' ORDER BY vendor, shop"
)


@dataclass(frozen=True, slots=True)
class PullRow:
    """One shop's pull: everything up to `watermark` is stored; `failures` in a row with the last `reason`."""

    vendor: str
    shop: str
    watermark: datetime | None
    pulled_at: datetime | None
    failures: int
    reason: str


class PullReads:
    """Reads the pulls."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[PullRow]:
        """Give every shop that was ever pulled."""
        async with self._database.transaction() as tx:
            return [PullRow(**row._mapping) for row in await tx.execute(_ALL)]
