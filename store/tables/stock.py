"""Stock: counters, soft reservations, hard allocations, and the movements that explain on hand."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, text
from sqlmodel import Field, SQLModel

from store.stock_ledger import RARE
from store.tables.columns import TX_NOW, maybe_moment, moment, serial


class SkuStock(SQLModel, table=True):
    """The counters of one SKU over all warehouses; never negative, never promised beyond on hand (INV-2).

    `pooled` is the sum of what channel pools have locked; `trial_left` what an oversell breaker lets through (null:
    it is closed, 0: open). Everything but `trial_left` changes through store/stock_ledger.py alone.
    """

    __tablename__ = "sku_stock"
    __table_args__ = (
        CheckConstraint("on_hand >= 0 AND reserved >= 0 AND allocated >= 0 AND pooled >= 0", name="not_negative"),
        CheckConstraint("reserved + allocated + pooled <= on_hand", name="not_oversold"),
        CheckConstraint("trial_left >= 0", name="trial"),
        Index("ix_sku_stock_sku", "sku", postgresql_ops={"sku": "text_pattern_ops"}),
        Index("ix_sku_stock_title", "title", postgresql_ops={"title": "text_pattern_ops"}),
    )

    sku: str = Field(primary_key=True)
    title: str = ""
    on_hand: int = 0
    reserved: int = 0
    allocated: int = 0
    pooled: int = 0
    trial_left: int | None = None
    version: int = Field(default=0, sa_type=BigInteger)
    updated_at: datetime = moment()


class WarehouseStock(SQLModel, table=True):
    """The counters of one SKU in one warehouse; on hand is good units, the other grades are counted beside it."""

    __tablename__ = "warehouse_stock"
    __table_args__ = (
        CheckConstraint("on_hand >= 0 AND allocated >= 0 AND defective >= 0 AND quarantine >= 0", name="not_negative"),
        CheckConstraint("allocated <= on_hand", name="not_oversold"),
    )

    warehouse: str = Field(primary_key=True)
    sku: str = Field(primary_key=True)
    on_hand: int = 0
    allocated: int = 0
    defective: int = 0
    quarantine: int = 0


class Reservation(SQLModel, table=True):
    """Units of one order line held softly until `expires_at` (INV-2). State: open, allocated, released.

    A bundle's line has one row per component. `from_pool` of the units came out of the lock of `pool`, and go back.
    """

    __table_args__ = (
        CheckConstraint("quantity > 0 AND from_pool >= 0 AND from_pool <= quantity", name="quantity"),
        Index("ix_reservation_open", "expires_at", postgresql_where=text("state = 'open'")),
        Index("ix_reservation_sku_open", "sku", postgresql_where=text("state = 'open'")),
    )

    order_key: str = Field(primary_key=True, foreign_key="orders.key")
    line_no: str = Field(primary_key=True)
    sku: str = Field(primary_key=True)
    quantity: int
    pool: str = ""
    from_pool: int = 0
    state: str
    expires_at: datetime = moment()
    created_at: datetime = moment()
    ended_at: datetime | None = maybe_moment()


class Allocation(SQLModel, table=True):
    """Units promised by one warehouse to an order line, or to a transfer (`transfer:NO`).

    State: open, consumed, released.
    """

    __table_args__ = (
        CheckConstraint("quantity > 0 AND shipped >= 0 AND shipped <= quantity AND from_pool >= 0", name="quantity"),
        Index("ix_allocation_order_key", "order_key"),
        Index("ix_allocation_sku_open", "warehouse", "sku", postgresql_where=text("state = 'open'")),
    )

    fulfillment_no: str = Field(primary_key=True)
    line_no: str = Field(primary_key=True)
    sku: str = Field(primary_key=True)
    order_key: str
    warehouse: str
    quantity: int
    shipped: int = 0
    pool: str = ""
    from_pool: int = 0
    state: str
    created_at: datetime = moment()
    ended_at: datetime | None = maybe_moment()


class ChannelPool(SQLModel, table=True):
    """A virtual warehouse (虚拟仓): units that only its shops may sell, wherever they physically lie (INV-1)."""

    __tablename__ = "channel_pool"

    code: str = Field(primary_key=True)
    title: str = ""
    created_at: datetime = moment()


class PoolMember(SQLModel, table=True):
    """A shop that sells from a pool, or a whole channel (`shop` empty); a shop's own row goes before its channel's."""

    __tablename__ = "pool_member"

    channel: str = Field(primary_key=True)
    shop: str = Field(primary_key=True, default="")
    pool: str = Field(foreign_key="channel_pool.code", index=True)


class PoolStock(SQLModel, table=True):
    """What a pool has locked of a SKU and not yet sold; and how much of the common units its shops may show.

    `share_percent` limits what is shown of the common units, null is all of it.
    """

    __tablename__ = "pool_stock"
    __table_args__ = (
        CheckConstraint("locked >= 0", name="locked"),
        CheckConstraint("share_percent BETWEEN 0 AND 100", name="share"),
        Index("ix_pool_stock_sku", "sku"),
    )

    pool: str = Field(primary_key=True, foreign_key="channel_pool.code")
    sku: str = Field(primary_key=True)
    locked: int = 0
    share_percent: int | None = None
    updated_at: datetime = moment()


class BundleComponent(SQLModel, table=True):
    """One component of a bundle (组合商品): selling one bundle consumes `quantity` units of `sku`."""

    __tablename__ = "bundle_component"
    __table_args__ = (CheckConstraint("quantity > 0 AND bundle <> sku", name="quantity"), Index("ix_bundle_sku", "sku"))

    bundle: str = Field(primary_key=True)
    sku: str = Field(primary_key=True)
    quantity: int


class StockLedger(SQLModel, table=True):
    """One change of a SKU's counters, appended with it: the sum of the lines up to a moment is the counter then.

    `ref` names what changed it (an order's key, a fulfilment order, a transfer ...). Lines of one SKU stand in the
    order in which they were booked. `tx` is the transaction that booked it (store/stock_push.py).
    """

    __tablename__ = "stock_ledger"
    __table_args__ = (
        Index("ix_stock_ledger_ref", "ref"),
        Index("ix_stock_ledger_tx", "tx"),
        Index("ix_stock_ledger_sku_at_id", "sku", "at", "id"),
        Index("ix_stock_ledger_rare", "sku", "reason", "at", "id", postgresql_where=text(RARE)),
    )

    id: int = serial()
    sku: str
    at: datetime = moment()
    reason: str
    ref: str
    warehouse: str = ""
    pool: str = ""
    on_hand: int = 0
    reserved: int = 0
    allocated: int = 0
    pooled: int = 0
    defective: int = 0
    quarantine: int = 0
    tx: int | None = Field(default=None, sa_column=Column(BigInteger, server_default=TX_NOW, nullable=False))


class StockMovement(SQLModel, table=True):
    """One change of on hand, appended once: `key` says what it was (ship:..., set:...)."""

    __tablename__ = "stock_movement"
    __table_args__ = (Index("ix_stock_movement_sku_at", "sku", "at"),)

    id: int = serial()
    key: str = Field(unique=True)
    warehouse: str
    sku: str
    quantity: int
    reason: str
    at: datetime = moment()
