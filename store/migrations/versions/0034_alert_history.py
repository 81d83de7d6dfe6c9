"""Alerts keep their history: each time one opens is a row of its own. And calls are counted per account (INT-16)."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0034"
down_revision: str | None = "0033"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

UTC = sa.DateTime(timezone=True)
OPEN = sa.text("cleared_at IS NULL")


def upgrade() -> None:
    op.drop_constraint("uq_alert_key", "alert", type_="unique")
    op.create_index("ix_alert_open_key", "alert", ["key"], unique=True, postgresql_where=OPEN)
    op.create_index("ix_alert_kind_raised_at_id", "alert", ["kind", "raised_at", "id"])
    op.add_column("alert", sa.Column("cleared_by", sa.String(), nullable=False, server_default=""))
    op.create_table(
        "call_count",
        sa.Column("vendor", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("counted_at", UTC, nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("limited", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("vendor", "account", "counted_at", name="pk_call_count"),
    )
    op.create_index("ix_call_count_counted_at", "call_count", ["counted_at"])


def downgrade() -> None:
    op.drop_table("call_count")
    # One row per key is what the older version can hold: the newest stays.
    op.execute("DELETE FROM alert a USING alert b WHERE a.key = b.key AND a.id < b.id")
    op.drop_column("alert", "cleared_by")
    op.drop_index("ix_alert_kind_raised_at_id", table_name="alert")
    op.drop_index("ix_alert_open_key", table_name="alert", postgresql_where=OPEN)
    op.create_unique_constraint("uq_alert_key", "alert", ["key"])
