"""What exceptions and tickets wait for, and telling whoever stands on a rung of their ladder (EXC-3, EXC-4).

Implements activities/ports_exceptions.py: LadderFacts. The clock of a ladder runs from the opening, whatever was done
since: "not closed within 24 h" is said of what was handled, too. Whoever heard of it once does not hear it again.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.after_sales import Climb
from domain.errors import Broken
from domain.exceptions import ProcessStep
from domain.messages import Saying
from domain.sla import Stage
from store import alerts, audit, messaging, settings_docs
from store.alerts import LOUDNESS, Level, NewAlert
from store.database import Database
from store.settings_docs import Profile


@dataclass(frozen=True, slots=True)
class Climbing:
    """One kind of process with a ladder: its statements, and which row of the SLA document a state has."""

    process: str
    read: TextClause
    escalated: TextClause
    steps: dict[str, str]


EXCEPTIONS = Climbing(
    "exception",
    text("SELECT * FROM order_exception WHERE no = :no FOR UPDATE"),
    text("UPDATE order_exception SET escalated = :rung WHERE no = :no AND escalated < :rung"),
    {"open": "open", "handled": "handled"},
)
TICKETS = Climbing(
    "ticket",
    text("SELECT * FROM ticket WHERE no = :no FOR UPDATE"),
    text("UPDATE ticket SET escalated = :rung WHERE no = :no AND escalated < :rung"),
    {"new": "first_answer", "answered": "open"},
)


class SqlLadder:
    """The ladder of one kind of process."""

    def __init__(self, database: Database, climbing: Climbing, profile: Profile = Profile.LIVE) -> None:
        self._database = database
        self._of = climbing
        self._profile = profile

    async def look(self, no: str, now: datetime) -> ProcessStep:
        """Say what it waits for and the rungs still to come."""
        async with self._database.transaction() as tx:
            row = await self._row(tx, no)
            stages = await self._stages(tx, row)
        climbs = tuple(Climb(stage.at, stage.rung) for stage in stages if stage.rung > row.escalated)
        return ProcessStep(row.state, row.closed_at is not None, climbs)

    async def climb(self, no: str, rung: int, now: datetime) -> None:
        """Tell whoever stands on a rung; each rung of a state once, and nobody twice of the same."""
        async with self._database.transaction() as tx:
            row = await self._row(tx, no)
            stage = next((one for one in await self._stages(tx, row) if one.rung == rung and one.at <= now), None)
            if stage is None or not (await tx.execute(self._of.escalated, {"no": no, "rung": rung})).rowcount:
                return
            await self._tell(tx, row, stage, now)

    async def _tell(self, tx: AsyncConnection, row: Row[Any], stage: Stage, now: datetime) -> None:
        of, since = self._of.process, f"{row.clock_since:%m-%d %H:%M} UTC"
        level = _level(stage)
        mark = f"{stage.words}: " if stage.words else ""
        words = f"{mark}{of} {row.state} {'overdue' if stage.rung else 'due soon'}, since {since}; told: {stage.role}"
        alert = NewAlert(f"{of}_overdue", level, row.no, words)
        await alerts.raise_alert(tx, alert, now)
        await alerts.reword(tx, alert, words)
        facts = {
            "mark": f"【{stage.words}】" if stage.words else "",
            "state": row.state,
            "since": since,
            "order_no": row.order_key.split(":", 2)[-1],
        }
        kind = f"{of}.overdue" if stage.rung else f"{of}.due_soon"
        key = f"{of}:{row.no}:{row.clock_since.isoformat()}:{stage.role}:{'late' if stage.rung else 'soon'}"
        await messaging.say_to_role(
            tx, Saying(kind, key, row.no, LOUDNESS[level], row.order_key, facts), stage.role, now
        )
        told = {"state": row.state, "rung": stage.rung, "role": stage.role}
        await audit.write(tx, kind, row.no, now, actor="sla", **told)

    async def _row(self, tx: AsyncConnection, no: str) -> Row[Any]:
        row = (await tx.execute(self._of.read, {"no": no})).one_or_none()
        if row is None:
            raise Broken(f"there is no {self._of.process} {no}")
        return row

    async def _stages(self, tx: AsyncConnection, row: Row[Any]) -> list[Stage]:
        step = self._of.steps.get(row.state)
        if step is None or row.closed_at is not None:
            return []
        sla = await settings_docs.sla(tx, self._profile)
        return sla.ladder(self._of.process, step, row.clock_since)


def _level(stage: Stage) -> Level:
    """An early warning is a note; the head of the company is told by day and by night."""
    if stage.rung == 0:
        return Level.NOTE
    return Level.CRITICAL if stage.words or stage.rung > 1 else Level.WARNING
