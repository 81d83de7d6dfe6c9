"""What came in: sealed raw messages, what could not be verified, and the parsed observations waiting for apply."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from store.tables.columns import big, document, maybe_moment, maybe_sealed, moment, sealed, serial


class Inbox(SQLModel, table=True):
    """One verified raw message as received (INT-11); unique per source, shop and key (INT-6).

    `request_sealed` holds query and headers of one that could not be read, until it can. State: accepted, unparsable,
    superseded (unparsable, and the same message came again in a form that could be read).
    """

    __table_args__ = (
        UniqueConstraint("source", "shop", "key"),
        Index("ix_inbox_unparsable", "received_at", postgresql_where=text("state = 'unparsable'")),
        Index("ix_inbox_shop_received_at", "source", "shop", "received_at", "way"),
    )

    id: int = serial()
    source: str
    shop: str
    key: str
    way: str
    headers: dict[str, Any] = document()
    raw_sealed: bytes = sealed()
    request_sealed: bytes | None = maybe_sealed()
    received_at: datetime = moment(index=True)
    sent_at: datetime | None = maybe_moment()
    drift_seconds: float | None = None
    state: str
    reason: str = ""


class Unverified(SQLModel, table=True):
    """A message whose sender could not be verified: kept for replay, never unique, capped per source.

    `request_sealed` holds its query and headers: with the body all that verifying it again needs (INT-14).
    """

    __table_args__ = (Index("ix_unverified_source_shop_received_at", "source", "shop", "received_at"),)

    id: int = serial()
    source: str
    shop: str
    headers: dict[str, Any] = document()
    request_sealed: bytes = sealed()
    raw_sealed: bytes = sealed()
    size_bytes: int
    received_at: datetime = moment(index=True)
    reason: str
    replayed_at: datetime | None = maybe_moment()


class ObservationRow(SQLModel, table=True):
    """One parsed part of a message; `subject` is what it speaks of (order key, fulfilment no, waybill).

    `attempts` counts every try that did not book it, `faults` those of them that were not just too early. State: new,
    failed, unmapped (its `raw_status` is a code that the status map does not know), or what became of it.
    """

    __tablename__ = "observation"
    __table_args__ = (
        UniqueConstraint("inbox_id", "part"),
        Index("ix_observation_waiting", "lane", "id", postgresql_where=text("state = 'new'")),
        Index("ix_observation_set_aside", "id", postgresql_where=text("state IN ('failed', 'unmapped')")),
        Index("ix_observation_subject", "subject"),
        Index("ix_observation_unmapped", "raw_status", postgresql_where=text("state = 'unmapped'")),
    )

    id: int = serial()
    inbox_id: int = big()
    part: int
    kind: str
    subject: str
    lane: int
    body_sealed: bytes = sealed()
    state: str
    attempts: int = 0
    faults: int = 0
    next_at: datetime = moment()
    applied_at: datetime | None = maybe_moment()
    reason: str = Field(default="")
    raw_status: str = ""
    trace: str = ""
