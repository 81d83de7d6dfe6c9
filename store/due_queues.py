"""Which queues of outgoing rows hold something due: one look for all drains of a process, instead of one for each.

A hundred shops have four hundred queues, nearly all of them empty at any moment. Owns that look and how long it counts;
what is due is claimed by the drain itself (store/outgoing.py, store/reread.py).
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import text

from domain.outgoing import Queue
from store.database import Database

# One probe of an index for each queue: a list of what is due would be as long as the backlog.
_DUE = text(
    """
    SELECT q.kind, q.vendor, q.shop
    FROM unnest(CAST(:kinds AS text[]), CAST(:vendors AS text[]), CAST(:shops AS text[])) AS q (kind, vendor, shop)
    WHERE CASE WHEN q.kind = 'reread'
        THEN EXISTS (SELECT 1 FROM reread r WHERE r.channel = q.vendor AND r.shop = q.shop AND r.state = 'new'
            AND r.next_at <= :now)
        ELSE EXISTS (SELECT 1 FROM outgoing o WHERE o.kind = q.kind AND o.vendor = q.vendor AND o.shop = q.shop
            AND o.state = 'new' AND o.next_at <= :now) END
    """
)


class DueQueues:
    """What the drains of one process ask before they claim. Implements activities/ports.py: Glance."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock
        self._known: set[Queue] = set()
        self._due: set[Queue] = set()
        self._looked_at: datetime | None = None
        self._turn = asyncio.Lock()

    async def holds(self, queue: Queue, fresh_seconds: float) -> bool:
        """Say whether a queue held something due, at a look no older than `fresh_seconds`."""
        async with self._turn:
            now = self._clock()
            stale = self._looked_at is None or now - self._looked_at >= timedelta(seconds=fresh_seconds)
            if stale or queue not in self._known:
                self._known.add(queue)
                await self._look(now)
            return queue in self._due

    async def _look(self, now: datetime) -> None:
        """Look at every queue that was ever asked for here."""
        asked = sorted(self._known, key=lambda one: (one.kind, one.vendor, one.shop))
        columns = {
            "kinds": [one.kind for one in asked],
            "vendors": [one.vendor for one in asked],
            "shops": [one.shop for one in asked],
        }
        async with self._database.transaction() as tx:
            rows = (await tx.execute(_DUE, columns | {"now": now})).all()
        self._due = {Queue(row.kind, row.vendor, row.shop) for row in rows}
        self._looked_at = now
