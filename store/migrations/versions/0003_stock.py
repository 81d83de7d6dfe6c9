"""Tables of stock."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    _create_sku_stock()
    _create_stock_movement()
    _create_warehouse_stock()
    _create_allocation()
    _create_reservation()


def downgrade() -> None:
    op.drop_index("ix_reservation_sku_open", table_name="reservation", postgresql_where=sa.text("state = 'open'"))
    op.drop_index("ix_reservation_open", table_name="reservation", postgresql_where=sa.text("state = 'open'"))
    op.drop_table("reservation")
    op.drop_index("ix_allocation_sku_open", table_name="allocation", postgresql_where=sa.text("state = 'open'"))
    op.drop_index("ix_allocation_order_key", table_name="allocation")
    op.drop_table("allocation")
    op.drop_table("warehouse_stock")
    op.drop_index("ix_stock_movement_sku_at", table_name="stock_movement")
    op.drop_table("stock_movement")
    op.drop_table("sku_stock")


def _create_sku_stock() -> None:
    op.create_table(
        "sku_stock",
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("title", sa.String(), server_default="", nullable=False),
        sa.Column("on_hand", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reserved", sa.Integer(), server_default="0", nullable=False),
        sa.Column("allocated", sa.Integer(), server_default="0", nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("on_hand >= 0 AND reserved >= 0 AND allocated >= 0", name=op.f("ck_sku_stock_not_negative")),
        sa.CheckConstraint("reserved + allocated <= on_hand", name=op.f("ck_sku_stock_not_oversold")),
        sa.PrimaryKeyConstraint("sku", name=op.f("pk_sku_stock")),
    )


def _create_stock_movement() -> None:
    op.create_table(
        "stock_movement",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("warehouse", sa.String(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_movement")),
        sa.UniqueConstraint("key", name=op.f("uq_stock_movement_key")),
    )
    op.create_index("ix_stock_movement_sku_at", "stock_movement", ["sku", "at"], unique=False)


def _create_warehouse_stock() -> None:
    op.create_table(
        "warehouse_stock",
        sa.Column("warehouse", sa.String(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("on_hand", sa.Integer(), server_default="0", nullable=False),
        sa.Column("allocated", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("allocated <= on_hand", name=op.f("ck_warehouse_stock_not_oversold")),
        sa.CheckConstraint("on_hand >= 0 AND allocated >= 0", name=op.f("ck_warehouse_stock_not_negative")),
        sa.PrimaryKeyConstraint("warehouse", "sku", name=op.f("pk_warehouse_stock")),
    )


def _create_allocation() -> None:
    op.create_table(
        "allocation",
        sa.Column("fulfillment_no", sa.String(), nullable=False),
        sa.Column("line_no", sa.String(), nullable=False),
        sa.Column("order_key", sa.String(), nullable=False),
        sa.Column("warehouse", sa.String(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("shipped", sa.Integer(), server_default="0", nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "quantity > 0 AND shipped >= 0 AND shipped <= quantity", name=op.f("ck_allocation_quantity")
        ),
        sa.ForeignKeyConstraint(["order_key"], ["orders.key"], name=op.f("fk_allocation_order_key")),
        sa.PrimaryKeyConstraint("fulfillment_no", "line_no", name=op.f("pk_allocation")),
    )
    op.create_index("ix_allocation_order_key", "allocation", ["order_key"], unique=False)
    op.create_index(
        "ix_allocation_sku_open",
        "allocation",
        ["warehouse", "sku"],
        unique=False,
        postgresql_where=sa.text("state = 'open'"),
    )


def _create_reservation() -> None:
    op.create_table(
        "reservation",
        sa.Column("order_key", sa.String(), nullable=False),
        sa.Column("line_no", sa.String(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_reservation_quantity")),
        sa.ForeignKeyConstraint(["order_key"], ["orders.key"], name=op.f("fk_reservation_order_key")),
        sa.PrimaryKeyConstraint("order_key", "line_no", name=op.f("pk_reservation")),
    )
    op.create_index(
        "ix_reservation_open", "reservation", ["expires_at"], unique=False, postgresql_where=sa.text("state = 'open'")
    )
    op.create_index(
        "ix_reservation_sku_open", "reservation", ["sku"], unique=False, postgresql_where=sa.text("state = 'open'")
    )
