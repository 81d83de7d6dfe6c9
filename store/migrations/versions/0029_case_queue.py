"""The queue of after-sales cases: a case's turn, and an index for each filter and number that is searched for."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0029"
down_revision: str | None = "0028"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

TABLE = "after_sales_case"
TURN = """
CASE WHEN closed_at IS NOT NULL THEN 50000000000000 - floor(extract(epoch FROM closed_at AT TIME ZONE 'UTC') * 1000)
    WHEN due_at IS NOT NULL THEN 20000000000000 + floor(extract(epoch FROM due_at AT TIME ZONE 'UTC') * 1000)
    ELSE 30000000000000 + floor(extract(epoch FROM opened_at AT TIME ZONE 'UTC') * 1000)
    END
"""
FILTERS = ("state", "kind", "channel", "shop", "owner", "reason")


def upgrade() -> None:
    op.add_column(TABLE, sa.Column("turn", sa.BigInteger(), sa.Computed(TURN, persisted=True)))
    op.create_index("ix_after_sales_case_turn", TABLE, ["turn", "no"])
    for name in FILTERS:
        op.create_index(f"ix_after_sales_case_{name}_turn", TABLE, [name, "turn", "no"])
    numbered = sa.text("channel_case_no <> ''")
    op.create_index("ix_after_sales_case_channel_case_no", TABLE, ["channel_case_no"], postgresql_where=numbered)


def downgrade() -> None:
    op.drop_index("ix_after_sales_case_channel_case_no", table_name=TABLE)
    for name in FILTERS:
        op.drop_index(f"ix_after_sales_case_{name}_turn", table_name=TABLE)
    op.drop_index("ix_after_sales_case_turn", table_name=TABLE)
    op.drop_column(TABLE, "turn")
