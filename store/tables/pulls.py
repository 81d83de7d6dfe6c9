"""How far each shop's orders are pulled, what was last heard of each order, and the access tokens of shops."""

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from store.tables.columns import UTC, maybe_moment, moment, sealed


class Pull(SQLModel, table=True):
    """One shop that is pulled, its orders or its cases (`kind`: domain/pulling.py).

    `watermark`: everything up to here is stored whole; `failures` counts those in a row.
    """

    vendor: str = Field(primary_key=True)
    shop: str = Field(primary_key=True)
    kind: str = Field(default="order", primary_key=True)
    watermark: datetime | None = maybe_moment()
    pulled_at: datetime | None = maybe_moment()
    failures: int = 0
    failed_at: datetime | None = maybe_moment()
    reason: str = ""


class Heard(SQLModel, table=True):
    """What a pull last said of an order, as a digest: the same again is no news."""

    channel: str = Field(primary_key=True)
    shop: str = Field(primary_key=True)
    no: str = Field(primary_key=True)
    digest: bytes = sealed()


class CallCount(SQLModel, table=True):
    """How many calls an account got in a piece of time, and how many of them it took for too many (INT-16)."""

    __tablename__ = "call_count"
    __table_args__ = (Index("ix_call_count_counted_at", "counted_at"),)

    vendor: str = Field(primary_key=True)
    account: str = Field(primary_key=True)
    counted_at: datetime = Field(primary_key=True, sa_type=UTC)
    calls: int
    limited: int


class ShopToken(SQLModel, table=True):
    """The access token of a shop, sealed. Whoever renews it holds it until `claimed_until`; a version exists once."""

    __tablename__ = "shop_token"

    vendor: str = Field(primary_key=True)
    code: str = Field(primary_key=True)
    token_sealed: bytes = sealed()
    version: int
    expires_at: datetime | None = maybe_moment()
    renew_at: datetime | None = maybe_moment()
    claimed_until: datetime | None = maybe_moment()
    saved_at: datetime = moment()
