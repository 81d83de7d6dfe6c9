"""The oversell breaker, orders that wait for stock, proposals for a SKU that runs low, and polls for refunds."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0016"
down_revision: str | None = "0015"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

WAITING = """
    INSERT INTO stock_wait (order_key, sku, quantity, paid_at)
    SELECT o.key, coalesce(b.sku, l.sku), sum(l.quantity * coalesce(b.quantity, 1)), coalesce(o.paid_at, o.created_at)
    FROM orders o JOIN order_line l ON l.order_key = o.key LEFT JOIN bundle_component b ON b.bundle = l.sku
    WHERE o.wait_for = 'stock' AND o.closed_at IS NULL GROUP BY o.key, coalesce(b.sku, l.sku)
"""
"""Who waits for stock already is woken like the others."""


def upgrade() -> None:
    _create_breaker()
    _create_waits()
    _create_proposal()
    op.add_column("reread", sa.Column("polled", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("orders", sa.Column("unstocked", sa.String(), server_default="", nullable=False))
    op.execute(WAITING)
    op.execute("INSERT INTO stock_queue (sku, version) SELECT DISTINCT sku, -1 FROM stock_wait")


def downgrade() -> None:
    op.drop_column("orders", "unstocked")
    op.drop_column("reread", "polled")
    for table in ("proposal", "stock_queue", "stock_wait", "lock_failure", "breaker_event"):
        op.drop_table(table)


def _create_breaker() -> None:
    op.create_table(
        "breaker_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), server_default="", nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_by", sa.String(), nullable=False),
        sa.Column("trial", sa.Integer(), nullable=True),
        sa.Column("trial_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.String(), server_default="", nullable=False),
        sa.Column("ended", sa.String(), server_default="", nullable=False),
        sa.CheckConstraint("trial > 0", name=op.f("ck_breaker_event_trial")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_breaker_event")),
    )
    under_way = sa.text("closed_at IS NULL")
    op.create_index("uq_breaker_event_under_way", "breaker_event", ["sku"], unique=True, postgresql_where=under_way)
    op.create_index("ix_breaker_event_sku_id", "breaker_event", ["sku", "id"])
    op.create_table(
        "lock_failure",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("order_key", sa.String(), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("units > 0", name=op.f("ck_lock_failure_units")),
        sa.ForeignKeyConstraint(["order_key"], ["orders.key"], name=op.f("fk_lock_failure_order_key")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lock_failure")),
    )
    op.create_index("ix_lock_failure_sku_at", "lock_failure", ["sku", "at"])
    op.create_index("ix_lock_failure_event_id", "lock_failure", ["event_id"])


def _create_waits() -> None:
    op.create_table(
        "stock_wait",
        sa.Column("order_key", sa.String(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("woken_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("quantity >= 0", name=op.f("ck_stock_wait_quantity")),
        sa.ForeignKeyConstraint(["order_key"], ["orders.key"], name=op.f("fk_stock_wait_order_key")),
        sa.PrimaryKeyConstraint("order_key", "sku", name=op.f("pk_stock_wait")),
    )
    op.create_index("ix_stock_wait_sku_paid_at", "stock_wait", ["sku", "paid_at"])
    op.create_table(
        "stock_queue",
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sku", name=op.f("pk_stock_queue")),
    )


def _create_proposal() -> None:
    op.create_table(
        "proposal",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("atp", sa.Integer(), nullable=False),
        sa.Column("sold", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("in_force_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("in_force_by", sa.String(), server_default="", nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.String(), server_default="", nullable=False),
        sa.Column("reason", sa.String(), server_default="", nullable=False),
        sa.CheckConstraint("size > 0", name=op.f("ck_proposal_size")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposal")),
    )
    alive = sa.text("state IN ('proposed', 'in_force')")
    op.create_index("uq_proposal_open", "proposal", ["sku", "kind"], unique=True, postgresql_where=alive)
    op.create_index("ix_proposal_sku_id", "proposal", ["sku", "id"])
