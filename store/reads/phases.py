"""How long each phase of an order's way takes: percentiles over all orders, in seconds."""

from dataclasses import dataclass

from sqlalchemy import text

from store.database import Database

_PHASES = text(
    """
    SELECT phase, count(*) AS n, percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS p50,
        percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds) AS p95, max(seconds) AS longest
    FROM (
        SELECT 'booked' AS phase, extract(epoch FROM o.applied_at - i.received_at) AS seconds
        FROM observation o JOIN inbox i ON i.id = o.inbox_id WHERE o.kind = 'order' AND o.state = 'applied'
        UNION ALL
        SELECT 'started', extract(epoch FROM started_at - created_at) FROM orders WHERE started_at IS NOT NULL
        UNION ALL
        SELECT 'told', extract(epoch FROM delivered_at - created_at) FROM delivery WHERE delivered_at IS NOT NULL
        UNION ALL
        SELECT 'pushed', extract(epoch FROM pushed_at - created_at) FROM fulfillment WHERE pushed_at IS NOT NULL
        UNION ALL
        SELECT 'shipped', extract(epoch FROM shipped_at - pushed_at) FROM fulfillment
        WHERE shipped_at IS NOT NULL AND pushed_at IS NOT NULL
        UNION ALL
        SELECT 'written_back', extract(epoch FROM done_at - created_at) FROM outgoing
        WHERE kind = 'writeback' AND state = 'done'
        UNION ALL
        SELECT 'completed', extract(epoch FROM completed_at - created_at) FROM orders WHERE completed_at IS NOT NULL
    ) one GROUP BY phase
    """
)


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase: how often it was gone through, and in how many seconds (half of them, 95 %, the longest)."""

    phase: str
    n: int
    p50: float
    p95: float
    longest: float


class PhaseReads:
    """Reads the phases of all orders that are stored; for a demo's proof, not for a page."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> dict[str, Phase]:
        """Give each phase that anything went through."""
        async with self._database.transaction() as tx:
            rows = (await tx.execute(_PHASES)).all()
        return {row.phase: Phase(row.phase, row.n, *map(float, (row.p50, row.p95, row.longest))) for row in rows}
