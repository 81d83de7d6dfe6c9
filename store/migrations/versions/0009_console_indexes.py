"""What the console lists and searches by: an order's deadline and turn, and an index for each filter."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

DUE_AT = """
CASE WHEN closed_at IS NOT NULL THEN NULL
    WHEN shipped_at IS NULL AND ship_by IS NOT NULL THEN ship_by
    WHEN wait_for IN ('payment', 'late_payment', 'settlement', 'nothing') THEN NULL
    ELSE wait_until END
"""
TURN = f"""
CASE WHEN closed_at IS NOT NULL THEN 50000000000000 - floor(extract(epoch FROM created_at AT TIME ZONE 'UTC') * 1000)
    WHEN ({DUE_AT}) IS NOT NULL THEN CASE WHEN stuck THEN 0 ELSE 20000000000000 END
        + floor(extract(epoch FROM ({DUE_AT}) AT TIME ZONE 'UTC') * 1000)
    ELSE CASE WHEN stuck THEN 20000000000000 ELSE 40000000000000 END
        - floor(extract(epoch FROM created_at AT TIME ZONE 'UTC') * 1000)
    END
"""
# Name, table, columns, condition.
Indexes = list[tuple[str, str, list[str], str | None]]
NEW: Indexes = [
    ("ix_orders_stuck", "orders", ["turn", "key"], "stuck"),
    ("ix_orders_held", "orders", ["turn", "key"], "hold_reason <> ''"),
    ("ix_orders_waits", "orders", ["wait_for", "turn", "key"], "closed_at IS NULL"),
    ("ix_orders_turn", "orders", ["turn", "key"], None),
    ("ix_orders_status_turn", "orders", ["status", "turn", "key"], None),
    ("ix_orders_channel_turn", "orders", ["channel", "turn", "key"], None),
    ("ix_orders_shop_turn", "orders", ["shop", "turn", "key"], None),
    ("ix_orders_placed_at", "orders", ["placed_at"], None),
    ("ix_orders_buyer_index", "orders", ["buyer_index"], "buyer_index <> ''"),
    ("ix_alert_open", "alert", ["level", "raised_at", "id"], "cleared_at IS NULL"),
    ("ix_alert_raised_at_id", "alert", ["raised_at", "id"], None),
    ("ix_alert_subject", "alert", ["subject"], None),
    ("ix_inbox_unparsable", "inbox", ["received_at"], "state = 'unparsable'"),
    ("ix_inbox_shop_received_at", "inbox", ["source", "shop", "received_at", "way"], None),
    ("ix_observation_set_aside", "observation", ["id"], "state IN ('failed', 'unmapped')"),
    ("ix_outgoing_refused", "outgoing", ["vendor", "shop"], "state = 'refused'"),
]
OLD: Indexes = [
    ("ix_orders_open", "orders", ["status", "wait_until"], "closed_at IS NULL"),
    ("ix_orders_stuck", "orders", ["key"], "stuck"),
    ("ix_alert_open", "alert", ["raised_at"], "cleared_at IS NULL"),
]
BY_PREFIX = [("ix_sku_stock_sku", "sku_stock", "sku"), ("ix_sku_stock_title", "sku_stock", "title")]


def upgrade() -> None:
    op.add_column("orders", sa.Column("due_at", sa.DateTime(timezone=True), sa.Computed(DUE_AT, persisted=True)))
    op.add_column("orders", sa.Column("turn", sa.BigInteger(), sa.Computed(TURN, persisted=True)))
    _drop(OLD)
    _create(NEW)
    op.drop_index("ix_orders_no", table_name="orders")
    op.create_index("ix_orders_no", "orders", ["no"], postgresql_ops={"no": "text_pattern_ops"})
    for name, table, column in BY_PREFIX:
        op.create_index(name, table, [column], postgresql_ops={column: "text_pattern_ops"})


def downgrade() -> None:
    for name, table, _ in BY_PREFIX:
        op.drop_index(name, table_name=table)
    op.drop_index("ix_orders_no", table_name="orders")
    op.create_index("ix_orders_no", "orders", ["no"], unique=False)
    _drop(NEW)
    _create(OLD)
    op.drop_column("orders", "turn")
    op.drop_column("orders", "due_at")


def _create(indexes: Indexes) -> None:
    for name, table, columns, where in indexes:
        op.create_index(name, table, columns, postgresql_where=sa.text(where) if where else None)


def _drop(indexes: Indexes) -> None:
    for name, table, _, _ in indexes:
        op.drop_index(name, table_name=table)
