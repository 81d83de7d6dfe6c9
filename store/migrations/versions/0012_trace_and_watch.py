"""The trace that a row belongs to, and the indexes of the watch."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

TRACED = ("observation", "delivery", "outgoing", "reread")


def upgrade() -> None:
    for table in TRACED:
        op.add_column(table, sa.Column("trace", sa.String(), server_default="", nullable=False))
    op.create_index(
        "ix_fulfillment_planned", "fulfillment", ["warehouse"], postgresql_where=sa.text("state = 'planned'")
    )


def downgrade() -> None:
    op.drop_index("ix_fulfillment_planned", "fulfillment")
    for table in reversed(TRACED):
        op.drop_column(table, "trace")
