"""Orders, their lines and receivers."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Column, Computed, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from store.tables.columns import UTC, maybe_big, maybe_moment, maybe_sealed, minor, moment

DUE_AT = """
CASE WHEN closed_at IS NOT NULL THEN NULL
    WHEN shipped_at IS NULL AND ship_by IS NOT NULL THEN ship_by
    WHEN wait_for IN ('payment', 'late_payment', 'settlement', 'nothing') THEN NULL
    ELSE wait_until END
"""
"""By when somebody must have acted; waits that end by themselves have no such time."""
TURN = f"""
CASE WHEN closed_at IS NOT NULL THEN 50000000000000 - floor(extract(epoch FROM created_at AT TIME ZONE 'UTC') * 1000)
    WHEN ({DUE_AT}) IS NOT NULL THEN CASE WHEN stuck THEN 0 ELSE 20000000000000 END
        + floor(extract(epoch FROM ({DUE_AT}) AT TIME ZONE 'UTC') * 1000)
    ELSE CASE WHEN stuck THEN 20000000000000 ELSE 40000000000000 END
        - floor(extract(epoch FROM created_at AT TIME ZONE 'UTC') * 1000)
    END
"""
"""An order's place in a list of what needs people, smallest first. Five bands of 10^13, within them milliseconds:
stuck by deadline, stuck newest first, open by deadline, open newest first, closed newest first."""


class OrderRow(SQLModel, table=True):
    """One platform order, exactly once (INT-6). Channel facts are apply's; status is the workflow's.

    `case_no`: the after-sales case that this order replaces goods for; its channel knows nothing of it.
    `unstocked` says who took its stock away and why; it takes none again until somebody lets it go on (INV-3).
    """

    __tablename__ = "orders"
    __table_args__ = (
        UniqueConstraint("channel", "shop", "no"),
        CheckConstraint("total_minor >= 0 AND paid_minor >= 0 AND refunded_minor >= 0", name="money"),
        CheckConstraint(
            "total_minor = goods_minor - shop_discount_minor - platform_discount_minor + freight_minor",
            name="adds_up",
        ),
        Index("ix_orders_stuck", "turn", "key", postgresql_where=text("stuck")),
        Index("ix_orders_held", "turn", "key", postgresql_where=text("hold_reason <> ''")),
        Index("ix_orders_waits", "wait_for", "turn", "key", postgresql_where=text("closed_at IS NULL")),
        Index("ix_orders_turn", "turn", "key"),
        Index("ix_orders_status_turn", "status", "turn", "key"),
        Index("ix_orders_channel_turn", "channel", "turn", "key"),
        Index("ix_orders_shop_turn", "shop", "turn", "key"),
        Index("ix_orders_placed_at", "placed_at"),
        Index("ix_orders_no", "no", postgresql_ops={"no": "text_pattern_ops"}),
        Index("ix_orders_buyer_index", "buyer_index", postgresql_where=text("buyer_index <> ''")),
        Index("ix_orders_created_at", "created_at"),
        Index("ix_orders_shop_created_at", "channel", "shop", "created_at"),
        Index("ix_orders_ip_index", "ip_index", "created_at"),
        Index("ix_orders_case_no", "case_no", postgresql_where=text("case_no <> ''")),
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
    presale: bool = False
    deposit_at: datetime | None = maybe_moment()
    balance_until: datetime | None = maybe_moment()
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
    unstocked: str = ""
    late_stage: int = 0
    stuck: bool = False
    stuck_reason: str = ""
    case_no: str = ""
    started_at: datetime | None = maybe_moment()
    created_at: datetime = moment()
    due_at: datetime | None = Field(default=None, sa_column=Column(UTC, Computed(DUE_AT, persisted=True)))
    turn: int | None = Field(default=None, sa_column=Column(BigInteger, Computed(TURN, persisted=True)))


class OrderLineRow(SQLModel, table=True):
    """One line of an order; amounts in minor units. `dropped` units never ship: their money goes back."""

    __tablename__ = "order_line"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint("dropped >= 0 AND dropped <= quantity", name="dropped"),
        Index("ix_order_line_sku", "sku"),
    )

    order_key: str = Field(primary_key=True, foreign_key="orders.key")
    line_no: str = Field(primary_key=True)
    sku: str
    title: str
    quantity: int
    presale: bool = False
    unit_minor: int = minor()
    discount_minor: int = minor()
    amount_minor: int = minor()
    dropped: int = 0


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
