"""Stock: counters, soft reservations, hard allocations, and the movements that explain on hand."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from store.tables.columns import maybe_moment, moment, serial


class SkuStock(SQLModel, table=True):
    """The counters of one SKU over all warehouses; never negative, never promised beyond on hand (INV-2)."""

    __tablename__ = "sku_stock"
    __table_args__ = (
        CheckConstraint("on_hand >= 0 AND reserved >= 0 AND allocated >= 0", name="not_negative"),
        CheckConstraint("reserved + allocated <= on_hand", name="not_oversold"),
        Index("ix_sku_stock_sku", "sku", postgresql_ops={"sku": "text_pattern_ops"}),
        Index("ix_sku_stock_title", "title", postgresql_ops={"title": "text_pattern_ops"}),
    )

    sku: str = Field(primary_key=True)
    title: str = ""
    on_hand: int = 0
    reserved: int = 0
    allocated: int = 0
    version: int = Field(default=0, sa_type=BigInteger)
    updated_at: datetime = moment()


class WarehouseStock(SQLModel, table=True):
    """The counters of one SKU in one warehouse."""

    __tablename__ = "warehouse_stock"
    __table_args__ = (
        CheckConstraint("on_hand >= 0 AND allocated >= 0", name="not_negative"),
        CheckConstraint("allocated <= on_hand", name="not_oversold"),
    )

    warehouse: str = Field(primary_key=True)
    sku: str = Field(primary_key=True)
    on_hand: int = 0
    allocated: int = 0


class Reservation(SQLModel, table=True):
    """Units of one order line held softly until `expires_at` (INV-2). State: open, allocated, released."""

    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity"),
        Index("ix_reservation_open", "expires_at", postgresql_where=text("state = 'open'")),
        Index("ix_reservation_sku_open", "sku", postgresql_where=text("state = 'open'")),
    )

    order_key: str = Field(primary_key=True, foreign_key="orders.key")
    line_no: str = Field(primary_key=True)
    sku: str
    quantity: int
    state: str
    expires_at: datetime = moment()
    created_at: datetime = moment()
    ended_at: datetime | None = maybe_moment()


class Allocation(SQLModel, table=True):
    """Units of one order line promised by one warehouse. State: open, consumed, released."""

    __table_args__ = (
        CheckConstraint("quantity > 0 AND shipped >= 0 AND shipped <= quantity", name="quantity"),
        Index("ix_allocation_order_key", "order_key"),
        Index("ix_allocation_sku_open", "warehouse", "sku", postgresql_where=text("state = 'open'")),
    )

    fulfillment_no: str = Field(primary_key=True)
    line_no: str = Field(primary_key=True)
    order_key: str = Field(foreign_key="orders.key")
    warehouse: str
    sku: str
    quantity: int
    shipped: int = 0
    state: str
    created_at: datetime = moment()
    ended_at: datetime | None = maybe_moment()


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
