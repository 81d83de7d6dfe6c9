"""Claims against couriers and suppliers in SQL: opened with their exception, handed in by hand, won or lost (EXC-2)."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import BadInput
from store import audit, receivables
from store.receivables import Change

_PARTY = text(
    """
    SELECT string_agg(DISTINCT carrier || ' ' || waybill_no, ', ') FROM parcel WHERE order_key = :key
    """
)
_WORTH = text(
    """
    SELECT coalesce(sum(l.amount_minor * e.quantity / l.quantity), 0)::bigint
    FROM exception_line e JOIN order_line l ON l.order_key = :key AND l.line_no = e.line_no WHERE e.exception_no = :no
    """
)
_OPEN = text(
    """
    INSERT INTO claim (no, exception_no, order_key, against, party, asked_minor, currency, state, actor, opened_at)
    VALUES (:no, :exception_no, :key, :against, :party, :asked, :currency, 'open', :actor, :now)
    ON CONFLICT (exception_no) DO NOTHING
    """
)
_LOCK = text("SELECT * FROM claim WHERE no = :no FOR UPDATE")
_HANDED_IN = text("UPDATE claim SET state = 'handed_in', handed_in_at = :now, actor = :actor WHERE no = :no")
_ENDED = text(
    """
    UPDATE claim SET state = :state, won_minor = :won, reason = :reason, ended_at = :now, actor = :actor WHERE no = :no
    """
)


async def open_claim(tx: AsyncConnection, order: Row[Any], row: Row[Any], now: datetime) -> None:
    """Open the claim of an exception: worth what the buyer gets back, or the price of the lines."""
    party = (await tx.execute(_PARTY, {"key": order.key})).scalar_one() or "" if row.responsible == "courier" else ""
    worth = (await tx.execute(_WORTH, {"key": order.key, "no": row.no})).scalar_one()
    values = {
        "no": f"{row.no}-L",
        "exception_no": row.no,
        "key": order.key,
        "against": row.responsible,
        "party": party,
        "asked": row.amount_minor if row.amount_minor is not None else int(worth),
        "currency": order.currency,
        "actor": row.opened_by,
        "now": now,
    }
    await tx.execute(_OPEN, values)


async def hand_in(tx: AsyncConnection, no: str, actor: str, now: datetime) -> str:
    """Note that the evidence was handed in; give the claim's state. BadInput when it has ended."""
    row = await _open_one(tx, no, actor)
    if row.state == "open":
        await tx.execute(_HANDED_IN, {"no": no, "actor": actor, "now": now})
        await audit.write(tx, "claim.handed_in", row.exception_no, now, actor=actor, claim=no)
    return "handed_in"


async def end(tx: AsyncConnection, no: str, won_minor: int, reason: str, by: tuple[str, datetime]) -> str:
    """Note what a claim brought, 0 for nothing: lost; money won is a receivable change. BadInput when it has ended."""
    actor, now = by
    row = await _open_one(tx, no, actor)
    if won_minor < 0:
        raise BadInput(f"{won_minor / 100:.2f} cannot be won; name 0 when it is lost")
    if not won_minor and not reason.strip():
        raise BadInput("a lost claim needs the reason that they gave")
    state = "won" if won_minor else "lost"
    values = {"no": no, "state": state, "won": won_minor, "reason": reason[:200], "actor": actor, "now": now}
    await tx.execute(_ENDED, values)
    if won_minor:
        change = Change(f"claim:{no}", row.order_key, won_minor, row.currency, f"{row.against} pays", f"claim:{no}")
        await receivables.note(tx, change, now)
    told = {"claim": no, "won_minor": won_minor}
    await audit.write(tx, f"claim.{state}", row.exception_no, now, actor=actor, **told)
    return state


async def _open_one(tx: AsyncConnection, no: str, actor: str) -> Row[Any]:
    row = (await tx.execute(_LOCK, {"no": no})).one_or_none()
    if row is None:
        raise BadInput(f"there is no claim {no}; see oms claim list")
    if not actor.strip():
        raise BadInput("who does it? actor is empty")
    if row.state in {"won", "lost"}:
        raise BadInput(f"claim {no} is {row.state} already")
    return row
