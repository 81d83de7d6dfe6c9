"""Channel pools, bundles, grades, and the ledger that explains every counter."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

COUNTED = {
    "sku_stock": {
        "not_negative": "on_hand >= 0 AND reserved >= 0 AND allocated >= 0",
        "not_oversold": "reserved + allocated <= on_hand",
    },
    "warehouse_stock": {"not_negative": "on_hand >= 0 AND allocated >= 0"},
    "reservation": {"quantity": "quantity > 0"},
    "allocation": {"quantity": "quantity > 0 AND shipped >= 0 AND shipped <= quantity"},
}
"""The constraints as they were before this migration."""
KEYS = {"reservation": ["order_key", "line_no"], "allocation": ["fulfillment_no", "line_no"]}
OPENING = """
    INSERT INTO stock_ledger (sku, at, reason, ref, warehouse, on_hand, allocated)
    SELECT sku, now(), 'opening', 'opening', warehouse, on_hand, allocated FROM warehouse_stock;
    INSERT INTO stock_ledger (sku, at, reason, ref, reserved)
    SELECT sku, now(), 'opening', 'opening', reserved FROM sku_stock WHERE reserved > 0
"""


def upgrade() -> None:
    _add_counters()
    _create_pools()
    _create_bundles()
    _create_ledger()
    for statement in OPENING.split(";"):
        op.execute(statement)


def downgrade() -> None:
    for table in ("stock_ledger", "bundle_component", "pool_stock", "pool_member", "channel_pool"):
        op.drop_table(table)
    for table, key in KEYS.items():
        op.drop_constraint(op.f(f"pk_{table}"), table)
        op.create_primary_key(op.f(f"pk_{table}"), table, key)
    for table, checks in COUNTED.items():
        for name in checks:
            op.drop_constraint(op.f(f"ck_{table}_{name}"), table)
    op.drop_constraint(op.f("ck_sku_stock_trial"), "sku_stock")
    for table in KEYS:
        op.drop_column(table, "from_pool")
        op.drop_column(table, "pool")
    for column in ("quarantine", "defective"):
        op.drop_column("warehouse_stock", column)
    for column in ("trial_left", "pooled"):
        op.drop_column("sku_stock", column)
    for table, checks in COUNTED.items():
        for name, rule in checks.items():
            op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, rule)


def _add_counters() -> None:
    op.add_column("sku_stock", _units("pooled"))
    op.add_column("sku_stock", sa.Column("trial_left", sa.Integer(), nullable=True))
    for column in ("defective", "quarantine"):
        op.add_column("warehouse_stock", _units(column))
    for table, key in KEYS.items():
        op.add_column(table, sa.Column("pool", sa.String(), server_default="", nullable=False))
        op.add_column(table, _units("from_pool"))
        op.drop_constraint(op.f(f"pk_{table}"), table)
        op.create_primary_key(op.f(f"pk_{table}"), table, [*key, "sku"])
    _replace("sku_stock", "not_negative", "on_hand >= 0 AND reserved >= 0 AND allocated >= 0 AND pooled >= 0")
    _replace("sku_stock", "not_oversold", "reserved + allocated + pooled <= on_hand")
    op.create_check_constraint(op.f("ck_sku_stock_trial"), "sku_stock", "trial_left >= 0")
    grades = "on_hand >= 0 AND allocated >= 0 AND defective >= 0 AND quarantine >= 0"
    _replace("warehouse_stock", "not_negative", grades)
    _replace("reservation", "quantity", "quantity > 0 AND from_pool >= 0 AND from_pool <= quantity")
    _replace("allocation", "quantity", "quantity > 0 AND shipped >= 0 AND shipped <= quantity AND from_pool >= 0")


def _replace(table: str, name: str, rule: str) -> None:
    op.drop_constraint(op.f(f"ck_{table}_{name}"), table)
    op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, rule)


def _units(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), server_default="0", nullable=False)


def _create_pools() -> None:
    op.create_table(
        "channel_pool",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("title", sa.String(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_channel_pool")),
    )
    op.create_table(
        "pool_member",
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("shop", sa.String(), nullable=False),
        sa.Column("pool", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["pool"], ["channel_pool.code"], name=op.f("fk_pool_member_pool")),
        sa.PrimaryKeyConstraint("channel", "shop", name=op.f("pk_pool_member")),
    )
    op.create_index(op.f("ix_pool_member_pool"), "pool_member", ["pool"])
    op.create_table(
        "pool_stock",
        sa.Column("pool", sa.String(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        _units("locked"),
        sa.Column("share_percent", sa.Integer(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("locked >= 0", name=op.f("ck_pool_stock_locked")),
        sa.CheckConstraint("share_percent BETWEEN 0 AND 100", name=op.f("ck_pool_stock_share")),
        sa.ForeignKeyConstraint(["pool"], ["channel_pool.code"], name=op.f("fk_pool_stock_pool")),
        sa.PrimaryKeyConstraint("pool", "sku", name=op.f("pk_pool_stock")),
    )
    op.create_index("ix_pool_stock_sku", "pool_stock", ["sku"])


def _create_bundles() -> None:
    op.create_table(
        "bundle_component",
        sa.Column("bundle", sa.String(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.CheckConstraint("quantity > 0 AND bundle <> sku", name=op.f("ck_bundle_component_quantity")),
        sa.PrimaryKeyConstraint("bundle", "sku", name=op.f("pk_bundle_component")),
    )
    op.create_index("ix_bundle_sku", "bundle_component", ["sku"])


def _create_ledger() -> None:
    op.create_table(
        "stock_ledger",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("warehouse", sa.String(), server_default="", nullable=False),
        sa.Column("pool", sa.String(), server_default="", nullable=False),
        *(_units(name) for name in ("on_hand", "reserved", "allocated", "pooled")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_ledger")),
    )
    op.create_index("ix_stock_ledger_sku_at", "stock_ledger", ["sku", "at"])
    op.create_index("ix_stock_ledger_ref", "stock_ledger", ["ref"])
