"""How many orders there are of each status, to the last one: for proofs. Screens count no further than they need."""

from sqlalchemy import text

from store.database import Database

_COUNTS = text("SELECT status, count(*) AS n FROM orders GROUP BY status")


class OrderReads:
    """Counts orders."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def counts(self) -> dict[str, int]:
        """Count orders per status."""
        async with self._database.transaction() as tx:
            return {row.status: row.n for row in await tx.execute(_COUNTS)}
