"""Safety stock, what live channels are shown less of, and the other grades in the ledger."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0014"
down_revision: str | None = "0013"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

GRADES = ("defective", "quarantine")
OPENING = """
    INSERT INTO stock_ledger (sku, at, reason, ref, warehouse, defective, quarantine)
    SELECT sku, now(), 'opening', 'opening', warehouse, defective, quarantine FROM warehouse_stock
    WHERE defective > 0 OR quarantine > 0
"""


def upgrade() -> None:
    op.create_table(
        "safety_stock",
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("units >= 0", name=op.f("ck_safety_stock_units")),
        sa.PrimaryKeyConstraint("sku", "channel", name=op.f("pk_safety_stock")),
    )
    op.create_table(
        "lowered_exposure",
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("sku", name=op.f("pk_lowered_exposure")),
    )
    for grade in GRADES:
        op.add_column("stock_ledger", sa.Column(grade, sa.Integer(), server_default="0", nullable=False))
    op.execute(OPENING)


def downgrade() -> None:
    for grade in GRADES:
        op.drop_column("stock_ledger", grade)
    for table in ("lowered_exposure", "safety_stock"):
        op.drop_table(table)
