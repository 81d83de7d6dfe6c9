"""The running audit of stock, what it has summed up so far, and indexes that page through the ledger of one SKU."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0019"
down_revision: str | None = "0018"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

RARE = "reason NOT IN ('reserved', 'released', 'expired', 'allocated', 'shipped', 'recalled')"
SUMS = ("on_hand", "reserved", "allocated", "pooled", "moved")


def upgrade() -> None:
    op.drop_index("ix_stock_ledger_sku_at", "stock_ledger")
    op.create_index("ix_stock_ledger_sku_at_id", "stock_ledger", ["sku", "at", "id"])
    op.create_index(
        "ix_stock_ledger_rare", "stock_ledger", ["sku", "reason", "at", "id"], postgresql_where=sa.text(RARE)
    )
    op.create_table(
        "stock_audit",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        *(_count(name) for name in ("checked", "drifted", "repaired", "orders")),
        *(sa.Column(name, sa.BigInteger(), server_default="0", nullable=False) for name in ("lines_to", "moves_to")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_audit")),
    )
    op.create_index("ix_stock_audit_at", "stock_audit", ["at"])
    op.create_table(
        "stock_balance",
        sa.Column("sku", sa.String(), nullable=False),
        *(_count(name) for name in SUMS),
        sa.PrimaryKeyConstraint("sku", name=op.f("pk_stock_balance")),
    )
    op.create_table(
        "stock_drift",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("words", sa.String(), server_default="", nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("kind", "subject", name=op.f("pk_stock_drift")),
    )


def downgrade() -> None:
    for table in ("stock_drift", "stock_balance", "stock_audit"):
        op.drop_table(table)
    for index in ("ix_stock_ledger_rare", "ix_stock_ledger_sku_at_id"):
        op.drop_index(index, "stock_ledger")
    op.create_index("ix_stock_ledger_sku_at", "stock_ledger", ["sku", "at"])


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), server_default="0", nullable=False)
