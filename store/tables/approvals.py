"""Approvals, and the series from which own numbers are drawn."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from store.tables.columns import document, maybe_moment, moment


class NumberSeries(SQLModel, table=True):
    """The last number drawn of a series on a day (`yymmdd`)."""

    __tablename__ = "number_series"

    series: str = Field(primary_key=True)
    day: str = Field(primary_key=True)
    last: int


class Approval(SQLModel, table=True):
    """What one person asks and another decides (four eyes). State: open, approved, refused, withdrawn.

    `subject` is what it is about, in the words of its `kind`; `evidence` holds figures and ids, no persons.
    `started_at` is set once its workflow was started.
    """

    __table_args__ = (
        Index("ix_approval_open", "kind", "subject", unique=True, postgresql_where=text("state = 'open'")),
        Index("ix_approval_unstarted", "no", postgresql_where=text("state = 'open' AND started_at IS NULL")),
        Index("ix_approval_asked_at", "asked_at"),
    )

    no: str = Field(primary_key=True)
    kind: str
    subject: str
    words: str
    evidence: dict[str, Any] = document()
    asked_by: str
    asked_at: datetime = moment()
    state: str
    decided_by: str = ""
    reason: str = ""
    outcome: str = ""
    decided_at: datetime | None = maybe_moment()
    started_at: datetime | None = maybe_moment()
