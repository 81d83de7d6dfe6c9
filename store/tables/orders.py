"""Orders, their lines and receivers."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from store.tables.columns import maybe_big, maybe_moment, maybe_sealed, minor, moment


class OrderRow(SQLModel, table=True):
    """One platform order, exactly once (INT-6). Channel facts are apply's; status is the workflow's."""

    __tablename__ = "orders"
    __table_args__ = (
        UniqueConstraint("channel", "shop", "no"),
        CheckConstraint("total_minor >= 0 AND paid_minor >= 0 AND refunded_minor >= 0", name="money"),
        CheckConstraint(
            "total_minor = goods_minor - shop_discount_minor - platform_discount_minor + freight_minor",
            name="adds_up",
        ),
        Index("ix_orders_open", "status", "wait_until", postgresql_where=text("closed_at IS NULL")),
        Index("ix_orders_stuck", "key", postgresql_where=text("stuck")),
        Index("ix_orders_no", "no"),
        Index("ix_orders_created_at", "created_at"),
        Index("ix_orders_ip_index", "ip_index", "created_at"),
    )

    key: str = Field(primary_key=True)
    channel: str
    shop: str
    no: str
    status: str
    payment_status: str
    logistics_status: str
    channel_status: str
    raw_status: str
    channel_hold: bool = False
    channel_time: datetime = moment()
    channel_inbox_id: int | None = maybe_big()
    currency: str
    goods_minor: int = minor()
    shop_discount_minor: int = minor()
    platform_discount_minor: int = minor()
    freight_minor: int = minor()
    total_minor: int = minor()
    paid_minor: int = minor()
    refunded_minor: int = minor()
    placed_at: datetime = moment()
    paid_at: datetime | None = maybe_moment()
    ship_by: datetime | None = maybe_moment()
    shipped_at: datetime | None = maybe_moment()
    signed_at: datetime | None = maybe_moment()
    completed_at: datetime | None = maybe_moment()
    closed_at: datetime | None = maybe_moment()
    close_reason: str = ""
    buyer_index: str = ""
    ip_index: str = ""
    remark_sealed: bytes | None = maybe_sealed()
    wait_for: str = ""
    wait_since: datetime | None = maybe_moment()
    wait_until: datetime | None = maybe_moment()
    wait_next: str = ""
    hold_reason: str = ""
    hold_cleared_by: str = ""
    late_stage: int = 0
    stuck: bool = False
    stuck_reason: str = ""
    started_at: datetime | None = maybe_moment()
    created_at: datetime = moment()


class OrderLineRow(SQLModel, table=True):
    """One line of an order; amounts in minor units."""

    __tablename__ = "order_line"
    __table_args__ = (CheckConstraint("quantity > 0", name="quantity"), Index("ix_order_line_sku", "sku"))

    order_key: str = Field(primary_key=True, foreign_key="orders.key")
    line_no: str = Field(primary_key=True)
    sku: str
    title: str
    quantity: int
    unit_minor: int = minor()
    discount_minor: int = minor()
    amount_minor: int = minor()


class ContactRow(SQLModel, table=True):
    """The receiver of an order: personal fields sealed one by one (SEC-1), region in clear for routing."""

    __tablename__ = "contact"
    __table_args__ = (
        Index("ix_contact_phone_index", "phone_index"),
        Index("ix_contact_merge_key", "merge_key"),
    )

    order_key: str = Field(primary_key=True, foreign_key="orders.key")
    form: str
    province: str
    city: str
    district: str
    name_sealed: bytes | None = maybe_sealed()
    phone_sealed: bytes | None = maybe_sealed()
    address_sealed: bytes | None = maybe_sealed()
    handle: str = ""
    merge_key: str = ""
    phone_index: str = ""
