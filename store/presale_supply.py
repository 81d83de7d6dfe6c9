"""What suppliers will bring for presale: added, arrived, delayed (INV-4). Callers commit; a repeat changes nothing.

What it means for an order is written down with its hold and told to the order afterwards (store/presale_news.py).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import BadInput
from domain.presale import COMING, MOST_UNITS
from store import alerts, audit, presale, stock, stock_ledger
from store.alerts import Level, NewAlert
from store.database import Database
from store.stock_ledger import Change
from store.stock_on_hand import Shelf, make_room, name_sku

LATE_ALERT = "presale_supply_late"
PAST_DUE = "past due, and nothing has arrived"

_ADD = text(
    """
    INSERT INTO presale_supply (code, sku, quantity, supplier, due_on, first_due_on, created_at)
    VALUES (:code, :sku, :quantity, :supplier, :due_on, :due_on, :now) ON CONFLICT (code) DO NOTHING
    """
)
_SKU_OF = text("SELECT sku FROM presale_supply WHERE code = :code")
_LOCK = text("SELECT * FROM presale_supply WHERE code = :code FOR UPDATE")
_ARRIVED = text(
    """
    UPDATE presale_supply SET arrived = arrived + :n,
        state = CASE WHEN arrived + :n = quantity THEN 'arrived' ELSE state END
    WHERE code = :code
    """
)
_DELAY = text("UPDATE presale_supply SET due_on = :until, state = 'late', reason = :reason WHERE code = :code")
_PROMISE_LATER = text(
    """
    UPDATE presale_hold SET promised_at = promised_at + (CAST(:until AS timestamptz) - CAST(:due_on AS timestamptz)),
        news = 'delayed'
    WHERE supply = :code AND state = 'open' RETURNING order_key
    """
)
_PAST_DUE = text(
    "SELECT code FROM presale_supply WHERE state IN ('expected', 'late') AND due_on <= :now ORDER BY due_on, code"
)


@dataclass(frozen=True, slots=True)
class NewSupply:
    """A batch that a supplier has promised; `title` names a SKU that is new here."""

    code: str
    sku: str
    quantity: int
    due_on: datetime
    supplier: str = ""
    title: str = ""


async def add(tx: AsyncConnection, new: NewSupply, now: datetime, actor: str) -> None:
    """Let units be sold that are still to come. BadInput when the code is taken or the units make no sense."""
    if not 1 <= new.quantity <= MOST_UNITS:
        raise BadInput(f"{new.quantity} units: name 1 to {MOST_UNITS}")
    if new.due_on <= now:
        raise BadInput(f"{new.code} is due in the past: name the day on which it comes")
    await name_sku(tx, new.sku, new.title, now)
    values = {name: getattr(new, name) for name in ("code", "sku", "quantity", "due_on", "supplier")}
    await stock_ledger.lock(tx, [new.sku])
    if not (await tx.execute(_ADD, values | {"now": now})).rowcount:
        raise BadInput(f"there is a supply {new.code!r} already; see oms presale list")
    more = {"sku": new.sku, "quantity": new.quantity, "due_on": new.due_on.isoformat()}
    await audit.write(tx, "presale.added", f"presale:{new.code}", now, actor=actor, **more)


async def arrive(tx: AsyncConnection, code: str, warehouse: str, units: int | None, by: tuple[datetime, str]) -> int:
    """Book what has arrived (None: all that was left) and give it to those who wait; return the units."""
    now, actor = by
    row = await _must_come(tx, code)
    rest = row.quantity - row.arrived
    n = rest if units is None else units
    if not 1 <= n <= rest:
        raise BadInput(f"{n} units: {rest} of {code} are still to come; book what came beyond with oms stock set")
    await make_room(tx, Shelf(warehouse, row.sku), now)
    await tx.execute(_ARRIVED, {"code": code, "n": n})
    change = Change(row.sku, "presale", f"presale:{code}", warehouse, on_hand=n)
    await stock.move(tx, f"presale:{code}:{row.arrived}", change, now)
    await presale.rehang(tx, row.sku)
    if n == rest:
        await alerts.clear(tx, f"presale:{code}", now)
    await audit.write(tx, "presale.arrived", f"presale:{code}", now, actor=actor, units=n, warehouse=warehouse)
    return n


async def delay(tx: AsyncConnection, code: str, until: datetime, reason: str, by: tuple[datetime, str]) -> int:
    """Say that a supply comes later; its orders are promised later by as much. Returns how many orders wait for it."""
    now, actor = by
    row = await _must_come(tx, code)
    if until <= row.due_on:
        raise BadInput(f"{code} is due on {row.due_on:%Y-%m-%d %H:%M} UTC already: name a later day")
    await tx.execute(_DELAY, {"code": code, "until": until, "reason": reason[:500]})
    values = {"code": code, "until": until, "due_on": row.due_on}
    keys = {hold.order_key for hold in await tx.execute(_PROMISE_LATER, values)}
    words = f"{row.quantity - row.arrived} units of {row.sku} come late ({reason}): now due {until:%Y-%m-%d %H:%M} UTC"
    alert = NewAlert(LATE_ALERT, Level.CRITICAL, f"presale:{code}", f"{words}; {len(keys)} orders wait for them")
    await alerts.clear(tx, alert.subject, now)
    await alerts.raise_alert(tx, alert, now)
    more = {"until": until.isoformat(), "reason": reason, "orders": len(keys)}
    await audit.write(tx, "presale.delayed", f"presale:{code}", now, actor=actor, **more)
    return len(keys)


async def note_late(database: Database, now: datetime, grace: timedelta) -> list[str]:
    """Take every supply that is past due as late by `grace` from now on, until somebody knows better; name them."""
    async with database.transaction() as tx:
        codes = [row.code for row in await tx.execute(_PAST_DUE, {"now": now})]
    noted = []
    for code in codes:
        async with database.transaction() as tx:
            row = await _must_come(tx, code)
            if row.due_on <= now:
                await delay(tx, code, now + grace, PAST_DUE, (now, "sweeper"))
                noted.append(code)
    return noted


async def _must_come(tx: AsyncConnection, code: str) -> Row[Any]:
    """Lock a supply that is still to come, its SKU first."""
    sku = (await tx.execute(_SKU_OF, {"code": code})).scalar_one_or_none()
    if sku is None:
        raise BadInput(f"no supply {code!r}; see oms presale list")
    await stock_ledger.lock(tx, [sku])
    row = (await tx.execute(_LOCK, {"code": code})).one()
    if row.state not in COMING:
        raise BadInput(f"{code} is {row.state}: nothing of it is still to come")
    return row
