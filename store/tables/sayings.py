"""What people are told outside of the console: one row per saying and account, whatever came of it (OPS-3)."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from store.tables.columns import document, maybe_moment, moment, serial


class Message(SQLModel, table=True):
    """One message to one account; `key` says what is said where, so it exists once.

    States: waiting, sending, sent; merged into another, repeated (the same was told a moment ago); refused; nobody
    (no rule or no account), no_phone. `roles` are those whom it is for; their numbers stay in the settings document,
    a buyer's in the sealed contact.
    """

    __table_args__ = (
        Index("ix_message_said", "said"),
        Index("ix_message_tried", "vendor", "account", "tried_at"),
        Index("ix_message_waiting", "vendor", "account", "kind", postgresql_where=text("state = 'waiting'")),
        Index("ix_message_created_at_id", "created_at", "id"),
    )

    id: int = serial()
    key: str = Field(unique=True)
    said: str
    kind: str
    subject: str
    level: str
    order_key: str = ""
    vendor: str
    account: str
    roles: str = ""
    title: str
    text: str
    code: str = ""
    params: dict[str, Any] = document()
    can_wait: bool = True
    state: str
    reason: str = ""
    receipt: str = ""
    merged: int = 0
    tries: int = 0
    created_at: datetime = moment()
    tried_at: datetime | None = maybe_moment()
    ended_at: datetime | None = maybe_moment()
