"""What a case does next, as facts: one transaction that makes every move that is due and stops where one waits.

Implements activities/ports_cases.py: CaseFacts. What comes next is domain/case_flow.py's; each move may run twice
without harm, and so may the whole.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.after_sales import ACTS_NEXT, CaseAction, CaseKind, CaseState, CaseStep, Climb, Outcome
from domain.case_flow import WAITS, CaseFacts, Move, Review, Stop, next_move
from domain.errors import Broken
from domain.messages import Saying
from domain.sla import Sla
from store import (
    alerts,
    audit,
    case_channel,
    case_check,
    case_money,
    case_payouts,
    case_replace,
    case_returns,
    case_stop,
    cases,
    messaging,
    paying_back,
    settings_docs,
)
from store.alerts import Level, NewAlert
from store.database import Database
from store.keyring import KeyRing
from store.order_intake import Booking
from store.settings_docs import Profile

MOST_MOVES = 20
"""More moves in one look than a case has: a loop is a bug, and told as one."""
OVERDUE = "case_overdue"
PROCESS = "case"

_STATE = text(
    """
    UPDATE after_sales_case SET state = CAST(:state AS text), due_at = :due,
        step_since = CASE WHEN state = CAST(:state AS text) THEN step_since ELSE CAST(:now AS timestamptz) END,
        escalated = CASE WHEN state = CAST(:state AS text) THEN escalated ELSE -1 END
    WHERE no = :no RETURNING step_since, escalated
    """
)
_CLOSED = text(
    """
    UPDATE after_sales_case SET state = 'closed', outcome = :outcome, closed_at = :now, due_at = NULL,
        step_since = :now
    WHERE no = :no AND closed_at IS NULL
    """
)
_ESCALATED = text("UPDATE after_sales_case SET escalated = :rung WHERE no = :no AND escalated < :rung")
_NO_REFUND = text("UPDATE after_sales_case SET no_refund = true WHERE no = :no")
_REPLACED = text("SELECT shipped_at IS NOT NULL AS gone FROM orders WHERE key = :key")

Made = Callable[[AsyncConnection, Row[Any], Row[Any], datetime], Awaitable[None]]


class SqlCaseFacts:
    """The facts of after-sales cases, from the check to the close."""

    def __init__(self, database: Database, ring: KeyRing, profile: Profile = Profile.LIVE) -> None:
        self._database = database
        self._ring = ring
        self._profile = profile
        self._moves: dict[Move, Made] = {
            Move.CHECK: self._check,
            Move.STOP_ORDER: self._stop,
            Move.AUTHORISE: self._authorise,
            Move.GRANT: self._grant,
            Move.REPLACE: self._replace,
        }

    async def advance(self, no: str, now: datetime) -> CaseStep:
        """Make every move that is due; say what the case waits for then."""
        async with self._database.transaction() as tx:
            sla = await settings_docs.sla(tx, self._profile)
            order, row = await cases.lock(tx, no)
            for _ in range(MOST_MOVES):
                if row.closed_at is not None:
                    return CaseStep(CaseState.CLOSED, ACTS_NEXT[CaseState.CLOSED], row.outcome)
                move, outcome = next_move(await facts(tx, row, now))
                if move in WAITS:
                    return await rest(tx, row, WAITS[move], sla, now)
                if move is Move.CLOSE:
                    await self._close(tx, row, outcome or Outcome.NOTHING, now)
                else:
                    await self._moves[move](tx, order, row, now)
                row = await cases.again(tx, no)
        raise Broken(f"case {no} makes no headway: {move.value} again and again")

    async def climb(self, no: str, rung: int, now: datetime) -> None:
        """Tell whoever stands on a rung of the ladder that a step takes too long; each rung of a step once (AFT-5)."""
        async with self._database.transaction() as tx:
            sla = await settings_docs.sla(tx, self._profile)
            _, row = await cases.lock(tx, no)
            if row.closed_at is not None or not (await tx.execute(_ESCALATED, {"no": no, "rung": rung})).rowcount:
                return
            stages = {stage.rung: stage for stage in sla.ladder(PROCESS, row.state, row.step_since)}
            stage = stages.get(rung)
            if stage is None or stage.at > now:
                return
            level = Level.NOTE if rung == 0 else Level.WARNING if rung == 1 else Level.CRITICAL
            verb = "is due soon" if rung == 0 else "is overdue"
            words = (
                f"{stage.words + ': ' if stage.words else ''}{row.state} {verb} since {row.step_since:%m-%d %H:%M} UTC"
            )
            alert = NewAlert(OVERDUE, level, no, f"{words}; told: {stage.role}")
            await alerts.raise_alert(tx, alert, now)
            await alerts.reword(tx, alert, alert.words)
            told = {"state": row.state, "rung": rung, "role": stage.role}
            kind = "case.overdue" if rung else "case.due_soon"
            await audit.write(tx, kind, no, now, actor="sla", **told)
            key = f"case:{no}:{row.state}:{row.step_since.isoformat()}:{rung}"
            about = {
                "mark": f"【{stage.words}】" if stage.words else "",
                "state": row.state,
                "words": stage.words,
                "since": f"{row.step_since:%Y-%m-%d %H:%M} UTC",
            }
            saying = Saying(kind, key, no, alerts.LOUDNESS[level], row.order_key, about)
            await messaging.say_to_role(tx, saying, stage.role, now)

    async def _check(self, tx: AsyncConnection, order: Row[Any], row: Row[Any], now: datetime) -> None:
        await case_check.check_case(tx, order, row, self._profile, now)

    async def _stop(self, tx: AsyncConnection, order: Row[Any], row: Row[Any], now: datetime) -> None:
        await case_stop.ask(tx, order, row, now)

    async def _authorise(self, tx: AsyncConnection, order: Row[Any], row: Row[Any], now: datetime) -> None:
        policy = await settings_docs.after_sales(tx, self._profile)
        await case_returns.authorise(tx, row, now, now + timedelta(seconds=policy.return_seconds))
        await case_channel.tell(tx, row, CaseAction.AGREE_RETURN, now)

    async def _grant(self, tx: AsyncConnection, order: Row[Any], row: Row[Any], now: datetime) -> None:
        if not await case_money.grant(tx, order, row, now):
            await tx.execute(_NO_REFUND, {"no": row.no})

    async def _replace(self, tx: AsyncConnection, order: Row[Any], row: Row[Any], now: datetime) -> None:
        timing = (await settings_docs.timing(tx, self._profile)).order
        await case_replace.ship_again(tx, Booking(self._ring, timing, now, self._profile), order, row)

    async def _close(self, tx: AsyncConnection, row: Row[Any], outcome: Outcome, now: datetime) -> None:
        if outcome is Outcome.REFUSED:
            await case_channel.tell(tx, row, CaseAction.REFUSE, now, reason=row.verdict_words)
        if outcome is Outcome.SHIPPED:
            await case_channel.shipped(tx, row, now)
        if not (await tx.execute(_CLOSED, {"no": row.no, "outcome": outcome.value, "now": now})).rowcount:
            return
        await case_returns.withdraw(tx, row, now)
        await alerts.clear(tx, row.no, now)
        if outcome is Outcome.NOTHING:
            await case_channel.tell_unanswered(tx, row, now)
        if row.stop == Stop.STOPPED and outcome not in (Outcome.PAID, Outcome.SHIPPED):
            await paying_back.after_case(tx, row, now)
        told = {"outcome": outcome.value, "granted_minor": row.granted_minor}
        await audit.write(tx, "case.closed", row.no, now, **told)
        await audit.write(tx, "order.case_closed", row.order_key, now, case=row.no, **told)


async def facts(tx: AsyncConnection, row: Row[Any], now: datetime) -> CaseFacts:
    """Read what decides a case's next move."""
    payout = await case_payouts.payout_of(tx, row.no)
    gone = False
    if row.replacement_key:
        gone = bool((await tx.execute(_REPLACED, {"key": row.replacement_key})).scalar_one_or_none())
    return CaseFacts(
        kind=CaseKind(row.kind),
        checked=row.state != CaseState.CHECKING.value,
        review=Review(row.review),
        stop=Stop(row.stop),
        returns=row.returns,
        authorised=row.authorised_at is not None,
        parcel=bool(row.waybill_no),
        came=row.received_at is not None,
        inspected=row.inspected_at is not None,
        differs=bool(row.differs),
        pay_first=row.pay_first,
        no_refund=row.no_refund,
        expired=row.return_until is not None and now >= row.return_until,
        withdrawn=bool(row.withdrawn_by),
        channel_closed=row.channel_state in {"closed", "refused"} and not row.review,
        channel_paid=row.channel_state == "paid" and payout is not None and payout.state == "paid",
        granted=payout is not None and payout.state != "dropped",
        paid=payout is not None and payout.state == "paid",
        replaced=bool(row.replacement_key),
        replacement_left=gone,
    )


async def rest(tx: AsyncConnection, row: Row[Any], state: CaseState, sla: Sla, now: datetime) -> CaseStep:
    """Store what a case waits for, since when and until when; give the rungs of its ladder that are still to come."""
    since = row.step_since if row.state == state else now
    due = sla.due(PROCESS, state, since)
    values = {"no": row.no, "state": state.value, "due": due or _until(row, state), "now": now}
    kept = (await tx.execute(_STATE, values)).one()
    if row.state != state:
        await alerts.clear(tx, row.no, now, OVERDUE)
        await audit.write(tx, f"case.{state.value}", row.no, now)
    stages = sla.ladder(PROCESS, state, kept.step_since)
    climbs = tuple(Climb(stage.at, stage.rung) for stage in stages if stage.rung > kept.escalated)
    return CaseStep(state, ACTS_NEXT[state], until=_until(row, state), climbs=climbs)


def _until(row: Row[Any], state: CaseState) -> datetime | None:
    """Say until when the buyer may act."""
    until: datetime | None = row.return_until
    return until if state is CaseState.RETURNING else None
