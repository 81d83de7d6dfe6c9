"""Units of an order's line that will not ship any more, because their money goes back."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0025"
down_revision: str | None = "0024"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("order_line", sa.Column("dropped", sa.Integer(), server_default="0", nullable=False))
    op.create_check_constraint(op.f("ck_order_line_dropped"), "order_line", "dropped >= 0 AND dropped <= quantity")


def downgrade() -> None:
    op.drop_constraint(op.f("ck_order_line_dropped"), "order_line")
    op.drop_column("order_line", "dropped")
