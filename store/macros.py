"""Macros in SQL: texts that are answered often, with placeholders that an order's facts fill (EXC-4)."""

from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import BadInput
from domain.tickets import refuse_macro
from store import audit
from store.replay import By

_SAVE = text(
    """
    INSERT INTO macro (code, title, text, changed_by, changed_at) VALUES (:code, :title, :text, :actor, :now)
    ON CONFLICT (code) DO UPDATE SET title = excluded.title, text = excluded.text, changed_by = excluded.changed_by,
        changed_at = excluded.changed_at
    """
)
_ALL = text("SELECT * FROM macro ORDER BY title, code")
_DROP = text("DELETE FROM macro WHERE code = :code")


async def save(tx: AsyncConnection, code: str, title: str, words: str, by: By) -> None:
    """Save a macro, in the place of an earlier one of that code; BadInput names a placeholder that nobody fills."""
    if not code.strip() or not title.strip():
        raise BadInput("a macro needs a code and a title")
    if reason := refuse_macro(words):
        raise BadInput(reason)
    values = {"code": code.strip()[:40], "title": title.strip()[:80], "text": words, "actor": by.actor, "now": by.now}
    await tx.execute(_SAVE, values)
    await audit.write(tx, "macro.saved", code, by.now, actor=by.actor)


async def drop(tx: AsyncConnection, code: str, by: By) -> None:
    """Delete a macro."""
    if (await tx.execute(_DROP, {"code": code})).rowcount:
        await audit.write(tx, "macro.dropped", code, by.now, actor=by.actor)


async def all_macros(tx: AsyncConnection) -> list[Row[Any]]:
    """List all."""
    return list(await tx.execute(_ALL))
