"""How buyers get in: one-time links, codes sent to their phones, and sessions bound to one order each (AFT-1)."""

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from store.tables.columns import maybe_moment, moment


class PortalLinkRow(SQLModel, table=True):
    """A link that was handed out. `digest` of its token: who reads the table cannot get in with it."""

    __tablename__ = "portal_link"
    __table_args__ = (Index("ix_portal_link_order_key", "order_key"),)

    digest: str = Field(primary_key=True)
    order_key: str = Field(foreign_key="orders.key")
    made_by: str
    made_at: datetime = moment()
    expires_at: datetime = moment()
    used_at: datetime | None = maybe_moment()


class PortalCodeRow(SQLModel, table=True):
    """A code that was sent to a buyer's phone. `digest` names the browser that asked, `code_digest` blinds both."""

    __tablename__ = "portal_code"
    __table_args__ = (Index("ix_portal_code_order_key", "order_key", "asked_at"),)

    digest: str = Field(primary_key=True)
    order_key: str = Field(foreign_key="orders.key")
    code_digest: str
    tries: int = 0
    asked_at: datetime = moment()
    expires_at: datetime = moment()
    used_at: datetime | None = maybe_moment()


class PortalSessionRow(SQLModel, table=True):
    """A browser that may see one order. `way`: link or code."""

    __tablename__ = "portal_session"
    __table_args__ = (Index("ix_portal_session_expires_at", "expires_at"),)

    digest: str = Field(primary_key=True)
    order_key: str = Field(foreign_key="orders.key")
    way: str
    opened_at: datetime = moment()
    expires_at: datetime = moment()
