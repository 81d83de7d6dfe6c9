"""Who works at the console, and where they are logged in."""

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from store.tables.columns import maybe_moment, moment


class ConsoleUser(SQLModel, table=True):
    """One login; `password_hash` is argon2's own text, `must_change` marks a one-time password."""

    __tablename__ = "console_user"

    login: str = Field(primary_key=True)
    role: str
    password_hash: str
    active: bool = True
    must_change: bool = False
    created_at: datetime = moment()
    changed_at: datetime = moment()
    seen_at: datetime | None = maybe_moment()


class ConsoleSession(SQLModel, table=True):
    """One browser that is logged in; `digest` is the hash of its token, which is not kept."""

    __tablename__ = "console_session"
    __table_args__ = (Index("ix_console_session_login", "login"), Index("ix_console_session_expires_at", "expires_at"))

    digest: str = Field(primary_key=True)
    login: str = Field(foreign_key="console_user.login")
    created_at: datetime = moment()
    expires_at: datetime = moment()
    ended_at: datetime | None = maybe_moment()
