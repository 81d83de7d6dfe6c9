"""How much presses on the system at one moment: what `oms rehearse` looks at, again and again (OPS-4)."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from domain.watch import AccountCalls, Backlog
from store.database import Database
from store.reads.watch import WatchReads, is_surge

_ACCEPTED = text("SELECT count(*) FROM inbox")
WINDOW_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Pressure:
    """One look: messages accepted so far, what waits by lane, whether non-core functions are off, calls that wait."""

    accepted: int
    apply: tuple[Backlog, ...]
    deliver: tuple[Backlog, ...]
    surge: bool
    calls: tuple[AccountCalls, ...] = ()


class RehearsalReads:
    """Looks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def now(self, now: datetime) -> Pressure:
        """Look once."""
        async with self._database.transaction() as tx:
            accepted = int((await tx.execute(_ACCEPTED)).scalar_one())
            surge = await is_surge(tx)
        figures = await WatchReads(self._database).figures(WINDOW_SECONDS, now)
        return Pressure(accepted, figures.apply, figures.deliver, surge, figures.calls)
