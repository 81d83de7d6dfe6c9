"""Drafts of settings documents (CFG-1): one per document and author, which outlives a closed page. Decides nothing."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql import bindparam

from domain.errors import BadInput
from store import settings_docs
from store.database import Database

ELSEWHERE = "the draft was changed on another page: load this page anew"

_OF = text("SELECT * FROM setting_draft WHERE kind = :kind AND author = :author")
_ALL = text("SELECT kind, author, base, changed_at FROM setting_draft ORDER BY changed_at DESC LIMIT 200")
_SAVE = text(
    """
    INSERT INTO setting_draft (kind, author, base, revision, body, changed_at)
    SELECT d.* FROM (VALUES (CAST(:kind AS text), CAST(:author AS text), CAST(:base AS int), 1, CAST(:body AS jsonb),
        CAST(:now AS timestamptz))) d (kind, author, base, revision, body, changed_at)
    WHERE CAST(:revision AS int) = 0
        OR EXISTS (SELECT 1 FROM setting_draft s WHERE s.kind = d.kind AND s.author = d.author)
    ON CONFLICT (kind, author) DO UPDATE
    SET base = excluded.base, revision = setting_draft.revision + 1, body = excluded.body,
        changed_at = excluded.changed_at
    WHERE setting_draft.revision = CAST(:revision AS int)
    RETURNING revision
    """
).bindparams(bindparam("body", type_=JSONB))
_DROP = text("DELETE FROM setting_draft WHERE kind = :kind AND author = :author AND revision = :revision")


@dataclass(frozen=True, slots=True)
class Draft:
    """A document that is being changed: from which version, how often it was saved, and what it says now."""

    kind: str
    author: str
    base: int
    body: dict[str, Any]
    revision: int = 0
    changed_at: datetime | None = None


class SettingDrafts:
    """Keeps what people are changing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, kind: str, author: str) -> Draft | None:
        """Read somebody's draft of a document."""
        values = {"kind": settings_docs.known(kind), "author": author}
        async with self._database.transaction() as tx:
            row = (await tx.execute(_OF, values)).one_or_none()
        return Draft(row.kind, row.author, row.base, row.body, row.revision, row.changed_at) if row else None

    async def all(self) -> list[Row[Any]]:
        """List everybody's drafts, newest first."""
        async with self._database.transaction() as tx:
            return list(await tx.execute(_ALL))

    async def save(self, draft: Draft, now: datetime) -> int:
        """Keep a draft and give its new revision; BadInput when another page was faster."""
        values = {"kind": settings_docs.known(draft.kind), "author": draft.author, "base": draft.base}
        values |= {"body": draft.body, "revision": draft.revision, "now": now}
        async with self._database.transaction() as tx:
            revision = (await tx.execute(_SAVE, values)).scalar_one_or_none()
        if revision is None:
            raise BadInput(ELSEWHERE)
        return int(revision)

    async def drop(self, draft: Draft) -> None:
        """Forget a draft, unless another page has changed it since."""
        values = {"kind": draft.kind, "author": draft.author, "revision": draft.revision}
        async with self._database.transaction() as tx:
            await tx.execute(_DROP, values)
