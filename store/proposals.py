"""Proposals against running out (INV-11) in SQL: made from what the ledger says was sold, accepted, reverted.

What is proposed is decided in domain/low_stock.py. A limit in force is heeded by store/carts.py and the review; a price
is raised by a person at the channel, here it is on record. Each step is in the audit log.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import BadInput
from domain.low_stock import SALES_DAYS, Demanded, Proposal, State, is_low
from domain.low_stock import proposals as proposed
from domain.stock_rules import StockRules
from store import audit, settings_docs
from store.breakers import By
from store.database import Database
from store.settings_docs import Profile

RULE = "rule"
"""Who put a limit in force that a person had allowed beforehand."""

# Sales are promises of a warehouse to paid orders, less what came back before it left.
_SELLING = text(
    """
    SELECT s.sku, s.on_hand - s.reserved - s.allocated AS atp, l.sold
    FROM sku_stock s CROSS JOIN LATERAL (
        SELECT coalesce(sum(allocated), 0)::int AS sold FROM stock_ledger g
        WHERE g.sku = s.sku AND g.at > :since AND g.reason IN ('allocated', 'recalled')) l
    WHERE s.updated_at > :since AND l.sold > 0 ORDER BY s.sku
    """
)
_ALIVE = text("SELECT * FROM proposal WHERE state IN ('proposed', 'in_force') ORDER BY id")
_REFUSED = text(
    """
    SELECT sku, kind FROM proposal WHERE state IN ('withdrawn', 'reverted') AND ended_by <> 'rule' AND ended_at > :since
    """
)
_MAKE = text(
    """
    INSERT INTO proposal (sku, kind, size, state, atp, sold, made_at, in_force_at, in_force_by)
    VALUES (:sku, :kind, :size, :state, :atp, :sold, :now, :in_force_at, :in_force_by)
    ON CONFLICT (sku, kind) WHERE state IN ('proposed', 'in_force') DO NOTHING RETURNING id
    """
)
_GET = text("SELECT * FROM proposal WHERE id = :id FOR UPDATE")
_ACCEPT = text(
    "UPDATE proposal SET state = 'in_force', in_force_at = :now, in_force_by = :by, reason = :reason WHERE id = :id"
)
_END = text(
    """
    UPDATE proposal SET state = :state, ended_at = :now, ended_by = :by, reason = :reason
    WHERE id = :id AND state IN ('proposed', 'in_force')
    """
)
_LIST = text(
    """
    SELECT * FROM proposal WHERE :all OR state IN ('proposed', 'in_force') ORDER BY id DESC LIMIT :most
    """
)


@dataclass(frozen=True, slots=True)
class Made:
    """One proposal as people see it; `size` is units per buyer or percent, `atp` and `sold` are of its making."""

    id: int
    sku: str
    kind: str
    size: int
    state: str
    atp: int
    sold: int
    made_at: datetime
    in_force_at: datetime | None
    in_force_by: str
    ended_at: datetime | None
    ended_by: str
    reason: str


async def look(database: Database, profile: Profile, now: datetime) -> int:
    """Propose what is due for SKUs that run low, end what is no longer needed; return how many were made."""
    since = now - timedelta(days=SALES_DAYS)
    async with database.transaction() as tx:
        rules = await settings_docs.stock_rules(tx, profile)
        selling = [Demanded(row.sku, row.atp, row.sold) for row in await tx.execute(_SELLING, {"since": since})]
        low = [one for one in selling if is_low(one, rules)]
        await _end_recovered(tx, low, now)
        refused = {(row.sku, row.kind) for row in await tx.execute(_REFUSED, {"since": since})}
        return sum([await _propose(tx, one, rules, refused, now) for one in low])


async def _propose(
    tx: AsyncConnection, one: Demanded, rules: StockRules, refused: set[tuple[str, str]], now: datetime
) -> int:
    return sum(
        [await _make(tx, one, due, now) for due in proposed(one, rules) if (one.sku, due.kind.value) not in refused]
    )


async def _make(tx: AsyncConnection, one: Demanded, due: Proposal, now: datetime) -> bool:
    """Make one proposal unless there is one; what a person has allowed beforehand is in force at once."""
    at_once = {"state": State.IN_FORCE.value, "in_force_at": now, "in_force_by": RULE}
    waits = {"state": State.PROPOSED.value, "in_force_at": None, "in_force_by": ""}
    values = {"sku": one.sku, "kind": due.kind.value, "size": due.size, "atp": one.atp, "sold": one.sold, "now": now}
    made = (await tx.execute(_MAKE, values | (at_once if due.at_once else waits))).scalar_one_or_none()
    if made is None:
        return False
    action = "stock.proposal_in_force" if due.at_once else "stock.proposed"
    detail = {"id": made, "kind": due.kind.value, "size": due.size, "atp": one.atp, "sold": one.sold}
    await audit.write(tx, action, one.sku, now, actor=RULE, **detail)
    return True


async def _end_recovered(tx: AsyncConnection, low: Sequence[Demanded], now: datetime) -> None:
    """End what the rule made for SKUs that are no longer low; what a person put in force a person ends."""
    still = {one.sku for one in low}
    for row in (await tx.execute(_ALIVE)).all():
        if row.sku not in still and row.in_force_by in {"", RULE}:
            await _end(tx, row, By(RULE, now, "no longer low"))


async def _end(tx: AsyncConnection, row: Row[Any], by: By) -> None:
    state = State.REVERTED if row.state == State.IN_FORCE else State.WITHDRAWN
    values = {"id": row.id, "state": state.value, "now": by.now, "by": by.actor, "reason": by.reason[:500]}
    if not (await tx.execute(_END, values)).rowcount:
        return
    detail = {"id": row.id, "kind": row.kind, "state": state.value, "reason": by.reason}
    await audit.write(tx, "stock.proposal_ended", row.sku, by.now, actor=by.actor, **detail)


async def accept(tx: AsyncConnection, proposal_id: int, by: By) -> Made:
    """Put a proposal in force; BadInput when there is none or it is decided."""
    row = await _get(tx, proposal_id)
    if row.state != State.PROPOSED:
        raise BadInput(f"proposal {proposal_id} is {row.state}: only one that is proposed can be accepted")
    await tx.execute(_ACCEPT, {"id": proposal_id, "now": by.now, "by": by.actor, "reason": by.reason[:500]})
    detail = {"id": proposal_id, "kind": row.kind, "size": row.size, "reason": by.reason}
    await audit.write(tx, "stock.proposal_in_force", row.sku, by.now, actor=by.actor, **detail)
    return Made(**(await _get(tx, proposal_id))._mapping)


async def revert(tx: AsyncConnection, proposal_id: int, by: By) -> Made:
    """End a proposal, in force or not; it is not made again for the same sales. BadInput when it has ended."""
    row = await _get(tx, proposal_id)
    if row.state not in {State.PROPOSED, State.IN_FORCE}:
        raise BadInput(f"proposal {proposal_id} is {row.state} already")
    await _end(tx, row, by)
    return Made(**(await _get(tx, proposal_id))._mapping)


async def _get(tx: AsyncConnection, proposal_id: int) -> Row[Any]:
    row = (await tx.execute(_GET, {"id": proposal_id})).one_or_none()
    if row is None:
        raise BadInput(f"there is no proposal {proposal_id}; see oms stock proposals")
    return row


async def listed(tx: AsyncConnection, *, ended: bool = False, most: int = 200) -> list[Made]:
    """List the proposals, newest first; those that have ended only when asked for."""
    return [Made(**row._mapping) for row in await tx.execute(_LIST, {"all": ended, "most": most})]
