"""Tables of orders."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    _create_orders()
    _create_contact()
    _create_order_line()


def downgrade() -> None:
    op.drop_index("ix_order_line_sku", table_name="order_line")
    op.drop_table("order_line")
    op.drop_index("ix_contact_phone_index", table_name="contact")
    op.drop_index("ix_contact_merge_key", table_name="contact")
    op.drop_table("contact")
    op.drop_index("ix_orders_stuck", table_name="orders", postgresql_where=sa.text("stuck"))
    op.drop_index("ix_orders_open", table_name="orders", postgresql_where=sa.text("closed_at IS NULL"))
    op.drop_index("ix_orders_no", table_name="orders")
    op.drop_index("ix_orders_ip_index", table_name="orders")
    op.drop_index("ix_orders_created_at", table_name="orders")
    op.drop_table("orders")


def _create_orders() -> None:
    op.create_table(
        "orders",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("shop", sa.String(), nullable=False),
        sa.Column("no", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("payment_status", sa.String(), nullable=False),
        sa.Column("logistics_status", sa.String(), nullable=False),
        sa.Column("channel_status", sa.String(), nullable=False),
        sa.Column("raw_status", sa.String(), nullable=False),
        sa.Column("channel_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("channel_inbox_id", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("goods_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("shop_discount_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("platform_discount_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("freight_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("total_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("paid_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("refunded_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ship_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("shipped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("close_reason", sa.String(), server_default="", nullable=False),
        sa.Column("buyer_index", sa.String(), server_default="", nullable=False),
        sa.Column("ip_index", sa.String(), server_default="", nullable=False),
        sa.Column("remark_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("wait_for", sa.String(), server_default="", nullable=False),
        sa.Column("wait_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("wait_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("wait_next", sa.String(), server_default="", nullable=False),
        sa.Column("hold_reason", sa.String(), server_default="", nullable=False),
        sa.Column("hold_cleared_by", sa.String(), server_default="", nullable=False),
        sa.Column("late_stage", sa.Integer(), server_default="0", nullable=False),
        sa.Column("stuck", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("stuck_reason", sa.String(), server_default="", nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "total_minor = goods_minor - shop_discount_minor - platform_discount_minor + freight_minor",
            name=op.f("ck_orders_adds_up"),
        ),
        sa.CheckConstraint(
            "total_minor >= 0 AND paid_minor >= 0 AND refunded_minor >= 0", name=op.f("ck_orders_money")
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_orders")),
        sa.UniqueConstraint("channel", "shop", "no", name=op.f("uq_orders_channel_shop_no")),
    )
    op.create_index("ix_orders_created_at", "orders", ["created_at"], unique=False)
    op.create_index("ix_orders_ip_index", "orders", ["ip_index", "created_at"], unique=False)
    op.create_index("ix_orders_no", "orders", ["no"], unique=False)
    op.create_index(
        "ix_orders_open",
        "orders",
        ["status", "wait_until"],
        unique=False,
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_index("ix_orders_stuck", "orders", ["key"], unique=False, postgresql_where=sa.text("stuck"))


def _create_contact() -> None:
    op.create_table(
        "contact",
        sa.Column("order_key", sa.String(), nullable=False),
        sa.Column("form", sa.String(), nullable=False),
        sa.Column("province", sa.String(), nullable=False),
        sa.Column("city", sa.String(), nullable=False),
        sa.Column("district", sa.String(), nullable=False),
        sa.Column("name_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("phone_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("address_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("handle", sa.String(), server_default="", nullable=False),
        sa.Column("merge_key", sa.String(), server_default="", nullable=False),
        sa.Column("phone_index", sa.String(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["order_key"], ["orders.key"], name=op.f("fk_contact_order_key")),
        sa.PrimaryKeyConstraint("order_key", name=op.f("pk_contact")),
    )
    op.create_index("ix_contact_merge_key", "contact", ["merge_key"], unique=False)
    op.create_index("ix_contact_phone_index", "contact", ["phone_index"], unique=False)


def _create_order_line() -> None:
    op.create_table(
        "order_line",
        sa.Column("order_key", sa.String(), nullable=False),
        sa.Column("line_no", sa.String(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("unit_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("discount_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_order_line_quantity")),
        sa.ForeignKeyConstraint(["order_key"], ["orders.key"], name=op.f("fk_order_line_order_key")),
        sa.PrimaryKeyConstraint("order_key", "line_no", name=op.f("pk_order_line")),
    )
    op.create_index("ix_order_line_sku", "order_line", ["sku"], unique=False)
