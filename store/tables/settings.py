"""Shops, warehouses and the versioned settings documents."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from store.tables.columns import document, maybe_moment, moment, sealed


class ShopRow(SQLModel, table=True):
    """One account at one vendor; credentials sealed."""

    __tablename__ = "shop"

    vendor: str = Field(primary_key=True)
    code: str = Field(primary_key=True)
    role: str
    zone: str
    currency: str
    endpoint_url: str
    key_id: str
    secrets_sealed: bytes = sealed()
    params: dict[str, Any] = document()
    answers: bool = False
    backup: bool = True
    silence_seconds: float | None = None
    pull_scheduled: bool | None = None
    looked_at: datetime | None = maybe_moment()
    active: bool = True
    created_at: datetime = moment()


class Warehouse(SQLModel, table=True):
    """One physical warehouse and the WMS account that speaks for it; `return_address`: what buyers write on parcels."""

    code: str = Field(primary_key=True)
    name: str
    province: str
    vendor: str
    shop: str
    carrier: str
    rank: int = 0
    return_address: str = ""


class SettingRow(SQLModel, table=True):
    """One version of one settings document (design: business settings are data)."""

    __tablename__ = "setting"
    __table_args__ = (Index("ix_setting_active", "kind", unique=True, postgresql_where=text("active")),)

    kind: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    body: dict[str, Any] = document()
    author: str
    reason: str
    active: bool
    created_at: datetime = moment()


class SettingDraftRow(SQLModel, table=True):
    """What one person is changing in a document; `base` is the version that it began from.

    The body may be senseless still. `revision` counts its changes, so that two open pages never overwrite each other.
    """

    __tablename__ = "setting_draft"

    kind: str = Field(primary_key=True)
    author: str = Field(primary_key=True)
    base: int
    revision: int
    body: dict[str, Any] = document()
    changed_at: datetime = moment()
