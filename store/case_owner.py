"""Handing a case over to somebody else (EXC-4). It changes no more than who looks after it; what comes next stays."""

from sqlalchemy import text

from domain.errors import BadInput, Refused
from store import audit, cases
from store.database import Database
from store.replay import By

_KNOWN = text("SELECT 1 FROM console_user WHERE login = :login AND active")
_OWNED = text("UPDATE after_sales_case SET owner = :owner WHERE no = :no")


async def hand_over(database: Database, no: str, owner: str, by: By) -> None:
    """Give a case to a user, or to nobody (empty); BadInput when there is no such user, Refused when it is closed."""
    async with database.transaction() as tx:
        if owner and (await tx.execute(_KNOWN, {"login": owner})).one_or_none() is None:
            raise BadInput(f"no user {owner!r} may work here; see oms user list")
        _, row = await cases.lock(tx, no)
        if row.closed_at is not None:
            raise Refused("case", "the case is closed; open a new one")
        if row.owner != owner:
            await tx.execute(_OWNED, {"no": no, "owner": owner})
            await audit.write(tx, "case.handed", no, by.now, actor=by.actor, was=row.owner, owner=owner)
