"""Where SKUs are sold, what each shop was told of them, and what makes that change (INV-6)."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, text
from sqlmodel import Field, SQLModel

from store.tables.columns import TX_NOW, UTC, maybe_moment, moment, serial


class ListingRow(SQLModel, table=True):
    """One listing of a SKU in a shop, under its vendor's ids; an own shop's item id is our SKU.

    `source`: order (a sale told of it), file or person. Only what a sale told may be corrected by a sale.
    """

    __tablename__ = "listing"
    __table_args__ = (
        Index("ix_listing_shop_sku", "channel", "shop", "sku", postgresql_where=text("active")),
        Index("ix_listing_sku", "sku"),
    )

    channel: str = Field(primary_key=True)
    shop: str = Field(primary_key=True)
    item_id: str = Field(primary_key=True)
    variant_id: str = Field(primary_key=True, default="")
    sku: str
    title: str = ""
    active: bool = True
    source: str
    created_at: datetime = moment()
    changed_at: datetime = moment()


class StockPush(SQLModel, table=True):
    """The newest quantity of one listing and what its shop was last told. State: waiting, told, refused, off.

    `sequence` counts what was sent; `unsure` while nobody knows whether the last of it arrived. `pushed_quantity` is
    what the shop confirmed last. `alone`: a call with others in it was turned down. `error` is the vendor's words.
    """

    __tablename__ = "stock_push"
    __table_args__ = (
        CheckConstraint("wanted_quantity >= 0 AND pushed_quantity >= 0", name="not_negative"),
        Index(
            "ix_stock_push_waiting",
            *("channel", "shop", "raised", "next_at", "item_id"),
            postgresql_where=text("state = 'waiting'"),
        ),
        Index("ix_stock_push_refused", "channel", "shop", postgresql_where=text("state = 'refused'")),
        Index("ix_stock_push_sku", "sku"),
    )

    channel: str = Field(primary_key=True)
    shop: str = Field(primary_key=True)
    item_id: str = Field(primary_key=True)
    variant_id: str = Field(primary_key=True, default="")
    sku: str
    wanted_quantity: int
    wanted_version: int = Field(sa_type=BigInteger)
    wanted_at: datetime = moment()
    state: str
    raised: bool = False
    pushed_quantity: int | None = None
    pushed_version: int | None = Field(default=None, sa_type=BigInteger)
    pushed_at: datetime | None = maybe_moment()
    sequence: int = Field(default=0, sa_type=BigInteger)
    unsure: bool = False
    alone: bool = False
    attempts: int = 0
    next_at: datetime = moment()
    error: str = ""
    error_at: datetime | None = maybe_moment()


class StockTold(SQLModel, table=True):
    """One answer of a shop about one listing: what it was told, when, and how it took it. Kept for a week."""

    __tablename__ = "stock_told"
    __table_args__ = (Index("ix_stock_told_sku_at", "sku", "at"), Index("ix_stock_told_at", "at"))

    id: int = serial()
    at: datetime = moment()
    channel: str
    shop: str
    item_id: str
    variant_id: str = ""
    sku: str
    quantity: int
    error: str = ""


class StockDrain(SQLModel, table=True):
    """One shop that is told of its stock: when somebody last looked for changes, and when it last took one."""

    __tablename__ = "stock_drain"

    channel: str = Field(primary_key=True)
    shop: str = Field(primary_key=True)
    looked_at: datetime = moment()
    told_at: datetime | None = maybe_moment()


class StockSignal(SQLModel, table=True):
    """Something that no counter shows may have changed what shops see of a SKU; of every SKU when it is empty.

    Triggers write it (pools, bundles, breakers, listings, the stock rules), and store/stock_signals.py. Kept for a day.
    """

    __tablename__ = "stock_signal"
    __table_args__ = (Index("ix_stock_signal_tx", "tx"),)

    id: int = serial()
    sku: str
    tx: int | None = Field(default=None, sa_column=Column(BigInteger, server_default=TX_NOW, nullable=False))
    at: datetime | None = Field(default=None, sa_column=Column(UTC, server_default=text("now()"), nullable=False))
