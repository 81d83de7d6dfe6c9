"""The completeness ledger: per shop and window what was pushed, pulled and named; each number that did not agree."""

from datetime import datetime

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from store.tables.columns import UTC, maybe_moment, moment


class RollCheck(SQLModel, table=True):
    """One window of a shop, `starts_at` in it and `ends_at` not; kinds and states are domain/completeness.py's.

    `named`: so many orders its list names; `total`: so many it counts, where it counts. Of those named `pushed` and
    `pulled` came that way and `booked` are orders here; `missing` are not. `gap_at`: since when something was missing.
    """

    __tablename__ = "roll_check"
    __table_args__ = (
        Index("ix_roll_check_next_at", "vendor", "shop", "next_at", postgresql_where=text("next_at IS NOT NULL")),
        Index("ix_roll_check_red", "vendor", "shop", postgresql_where=text("state = '1-red'")),
    )

    vendor: str = Field(primary_key=True)
    shop: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    starts_at: datetime = Field(primary_key=True, sa_type=UTC)
    ends_at: datetime = moment()
    state: str
    named: int = 0
    total: int | None = None
    pushed: int = 0
    pulled: int = 0
    booked: int = 0
    missing: int = 0
    checks: int = 0
    failures: int = 0
    reason: str = ""
    checked_at: datetime = moment()
    next_at: datetime | None = maybe_moment()
    gap_at: datetime | None = maybe_moment()
    healed_at: datetime | None = maybe_moment()


class RollNumber(SQLModel, table=True):
    """One number that did not agree: what they say, what we had, and when it agreed again (`settled_at`)."""

    __tablename__ = "roll_number"
    __table_args__ = (Index("ix_roll_number_no", "no"),)

    vendor: str = Field(primary_key=True)
    shop: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    starts_at: datetime = Field(primary_key=True, sa_type=UTC)
    no: str = Field(primary_key=True)
    fault: str = Field(primary_key=True)
    theirs: str = ""
    ours: str = ""
    found_at: datetime = moment()
    asks: int = 0
    settled_at: datetime | None = maybe_moment()
