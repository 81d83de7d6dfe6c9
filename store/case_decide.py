"""What people decide about a case, booked once each; and taking a case as one's own (EXC-4, AFT-5)."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.after_sales import (
    OF_GOODS,
    PAYS_BACK,
    Answer,
    CaseDecision,
    CaseEvent,
    CaseKind,
    CaseState,
    Choice,
    Origin,
    refuse_decision,
)
from domain.after_sales_policy import may_grant
from domain.errors import Refused
from domain.permissions import UserRole
from store import audit, case_check, case_money, case_payouts, case_returns, cases, refunds, settings_docs
from store.database import Database
from store.settings_docs import Profile

_REVIEWED = text(
    """
    UPDATE after_sales_case SET review = :review, reviewed_by = CAST(:actor AS text),
        approved_minor = :amount, differs = '',
        verdict_words = CASE WHEN CAST(:reason AS text) = '' THEN verdict_words ELSE CAST(:reason AS text) END,
        stop = CASE WHEN stop = 'too_late' THEN '' ELSE stop END,
        owner = CASE WHEN owner = '' THEN CAST(:actor AS text) ELSE owner END
    WHERE no = :no
    """
)
_WITHDRAWN = text("UPDATE after_sales_case SET withdrawn_by = :actor WHERE no = :no")
_OWNED = text("UPDATE after_sales_case SET owner = :actor WHERE no = :no")
_PAY_FIRST = text("UPDATE after_sales_case SET pay_first = true, reviewed_by = :actor, returns = false WHERE no = :no")
_USER = text(
    "SELECT EXISTS (SELECT 1 FROM console_user) AS any, (SELECT role FROM console_user WHERE login = :login AND active)"
)
_NO_REFUND = text("UPDATE after_sales_case SET no_refund = true, verdict_words = :reason WHERE no = :no")


class SqlCaseDecisions:
    """Decisions on cases. Implements activities/ports_cases.py: CaseDecisions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def decide(self, no: str, decision: CaseDecision, nonce: str, now: datetime) -> Answer:
        """Book one decision; the same nonce once. What does not count is answered with the reason."""
        async with self._database.transaction() as tx:
            try:
                order, row = await cases.lock(tx, no)
            except Refused as refused:
                return Answer(False, refused.reason)
            if await audit.heard(tx, no, nonce):
                return Answer(True, "taken already")
            received = row.received_at is not None
            refusal = refuse_decision(decision, CaseState(row.state), CaseKind(row.kind), received=received)
            for look in (_too_much, _beyond_agent, _under_way):
                refusal = refusal or await look(tx, order, row, decision)
            if refusal:
                return Answer(False, refusal)
            words = await _book(tx, row, decision, now)
            told = {"reason": decision.reason, "amount_minor": decision.amount_minor, "nonce": nonce}
            kept = {name: value for name, value in told.items() if value not in ("", None)}
            await audit.write(tx, f"case.{decision.choice.value}", no, now, actor=decision.actor, **kept)
            await cases.wake(tx, no, row.order_key, CaseEvent.CHANGED, now)
        return Answer(True, words)


async def _too_much(tx: AsyncConnection, order: Row[Any], row: Row[Any], decision: CaseDecision) -> str:
    """Refuse an approval of more than there is to pay back, and one of parts of a bundle without its amount."""
    if decision.choice is not Choice.APPROVE:
        return ""
    most = case_check.most_of(row, await case_money.worth(tx, order, row, freight=True, broken=True))
    if decision.amount_minor is None:
        goods = CaseKind(row.kind) in OF_GOODS and Origin(row.origin) is not Origin.CHANNEL
        broken = goods and row.differs and await case_money.begun(tx, row)
        return f"only parts of a bundle came back: name the amount, at most {most / 100:.2f}" if broken else ""
    if 0 <= decision.amount_minor <= most:
        return ""
    return f"{decision.amount_minor / 100:.2f} cannot be paid back; at most {most / 100:.2f} can"


async def _beyond_agent(tx: AsyncConnection, order: Row[Any], row: Row[Any], decision: CaseDecision) -> str:
    """Refuse a grant that is larger than whoever decides may make, from wherever it comes (`agent_up_to_minor`).

    Before the first user is added nobody has a role, and whoever runs the installation decides.
    """
    if decision.choice not in {Choice.APPROVE, Choice.PAY_WITHOUT} or CaseKind(row.kind) not in PAYS_BACK:
        return ""
    user = (await tx.execute(_USER, {"login": decision.actor})).one()
    limit = (await settings_docs.after_sales(tx, Profile.LIVE)).agent_up_to_minor if user.any else None
    minor = decision.amount_minor if decision.choice is Choice.APPROVE else None
    if minor is None:
        minor = case_money.amount(row, await case_money.worth(tx, order, row, freight=row.freight_back))
    if may_grant(UserRole(user.role) if user.role else None, minor, limit):
        return ""
    most = f"{(limit or 0) / 100:.2f}"
    return f"{minor / 100:.2f} is more than {decision.actor} may grant at once ({most}): who may pay does it, or less"


async def _under_way(tx: AsyncConnection, order: Row[Any], row: Row[Any], decision: CaseDecision) -> str:
    """Refuse to pay by hand what a provider or a platform may be paying, and show what was paid already."""
    if decision.choice not in {Choice.PAID_BY_HAND, Choice.RETRY_PAYOUT}:
        return ""
    payout = await case_payouts.payout_of(tx, row.no)
    if payout is not None and payout.state == "paid":
        where = f"{payout.way} {payout.vendor}".strip()
        return f"it is paid already: {payout.amount_minor / 100:.2f} {payout.currency} by {where}, {payout.reference}"
    if decision.choice is Choice.RETRY_PAYOUT:
        return ""
    if await refunds.is_sent(tx, row.no):
        return "the provider was asked and has not answered yet: wait for its answer, or look at its own pages"
    if payout is not None and (payout.way, payout.state) == ("channel", "wanted"):
        return f"{row.channel} was asked to pay it back and has not answered yet: it would be paid twice"
    return ""


async def _book(tx: AsyncConnection, row: Row[Any], decision: CaseDecision, now: datetime) -> str:
    values = {"no": row.no, "actor": decision.actor, "reason": decision.reason[:500]}
    if decision.choice in {Choice.APPROVE, Choice.REFUSE}:
        review = "approved" if decision.choice is Choice.APPROVE else "refused"
        await tx.execute(_REVIEWED, values | {"review": review, "amount": decision.amount_minor})
        return review
    if decision.choice is Choice.WITHDRAW:
        await tx.execute(_WITHDRAWN, values)
        return "withdrawn"
    if decision.choice is Choice.WAYBILL:
        await case_returns.set_waybill(tx, row, (decision.carrier, decision.waybill_no), decision.actor, now)
        return "the parcel is noted"
    return await _book_rare(tx, row, decision, values, now)


async def _book_rare(
    tx: AsyncConnection, row: Row[Any], decision: CaseDecision, values: dict[str, Any], now: datetime
) -> str:
    if decision.choice is Choice.TAKE:
        await tx.execute(_OWNED, values)
        return f"it is {decision.actor}'s"
    if decision.choice is Choice.PAY_WITHOUT:
        await tx.execute(_PAY_FIRST, values)
        return "paid without waiting for the goods"
    if decision.choice is Choice.RECEIVE_ONLY:
        await tx.execute(_NO_REFUND, values)
        return "received without a refund"
    if decision.choice is Choice.PAID_BY_HAND:
        await refunds.drop_for(tx, row.no, f"paid by hand: {decision.reference}", now)
        await case_payouts.paid(tx, row.no, decision.reference, now, by=decision.actor)
        return "paid"
    return "asked again" if await case_money.retry(tx, row, now) else "the payout is under way"
