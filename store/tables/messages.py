"""What goes on: events to workflows, calls to strangers that are not steps of an order, and the audit log."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from store.tables.columns import document, maybe_big, maybe_moment, moment, serial


class Delivery(SQLModel, table=True):
    """One event for an order's workflow, delivered at least once."""

    __table_args__ = (
        Index("ix_delivery_waiting", "lane", "id", postgresql_where=text("delivered_at IS NULL")),
        Index("ix_delivery_order_key", "order_key"),
    )

    id: int = serial()
    order_key: str = Field(foreign_key="orders.key")
    event: str
    lane: int
    created_at: datetime = moment()
    claimed_until: datetime | None = maybe_moment()
    attempts: int = 0
    delivered_at: datetime | None = maybe_moment()
    result: str = ""
    trace: str = ""


class Outgoing(SQLModel, table=True):
    """One call to a stranger, drained per shop; `key` says what it is, so it exists once.

    `order_key` is the order that it is about, or what else: `inbound:NO`, `transfer:NO`.
    """

    __table_args__ = (
        Index("ix_outgoing_waiting", "kind", "vendor", "shop", "id", postgresql_where=text("state = 'new'")),
        Index("ix_outgoing_order_key", "order_key"),
        Index("ix_outgoing_refused", "vendor", "shop", postgresql_where=text("state = 'refused'")),
    )

    id: int = serial()
    kind: str
    vendor: str
    shop: str
    key: str = Field(unique=True)
    order_key: str
    payload: dict[str, Any] = document()
    state: str
    attempts: int = 0
    next_at: datetime = moment()
    created_at: datetime = moment()
    done_at: datetime | None = maybe_moment()
    reason: str = ""
    trace: str = ""


class Reread(SQLModel, table=True):
    """One order that its channel only hinted at and that has to be asked for; hints about it fall together.

    Or one after-sales case of the channel (`about`: domain/pulling.py), `no` is its number then.
    `polled`: nobody hinted at it, we ask by ourselves whether it was refunded (INV-3).
    """

    __table_args__ = (
        Index("ix_reread_waiting", "channel", "shop", "lane", "next_at", postgresql_where=text("state = 'new'")),
    )

    channel: str = Field(primary_key=True)
    shop: str = Field(primary_key=True)
    no: str = Field(primary_key=True)
    about: str = Field(default="order", primary_key=True)
    lane: int
    asked_at: datetime = moment()
    attempts: int = 0
    next_at: datetime = moment()
    state: str
    reason: str = ""
    trace: str = ""
    polled: bool = False


class Alert(SQLModel, table=True):
    """Something a person should know; `key` says what it is, so it is open once. What opens again is a new row.

    `cleared_by`: who cleared it; empty when it did so by itself.
    """

    __table_args__ = (
        Index("ix_alert_open_key", "key", unique=True, postgresql_where=text("cleared_at IS NULL")),
        Index("ix_alert_open", "level", "raised_at", "id", postgresql_where=text("cleared_at IS NULL")),
        Index("ix_alert_kind_raised_at_id", "kind", "raised_at", "id"),
        Index("ix_alert_raised_at_id", "raised_at", "id"),
        Index("ix_alert_subject", "subject"),
    )

    id: int = serial()
    key: str
    kind: str
    level: str
    subject: str
    words: str
    raised_at: datetime = moment()
    cleared_at: datetime | None = maybe_moment()
    cleared_by: str = ""


class AuditEntry(SQLModel, table=True):
    """Who did what when to what, linked to its raw message; rows are never changed (a trigger refuses)."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_subject_id", "subject", "id"),)

    id: int = serial()
    at: datetime = moment()
    actor: str
    action: str
    subject: str
    detail: dict[str, Any] = document()
    inbox_id: int | None = maybe_big()
