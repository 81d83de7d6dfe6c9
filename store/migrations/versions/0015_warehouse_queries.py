"""When a warehouse was last asked about a fulfilment order, and the index that finds whom to ask about."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0015"
down_revision: str | None = "0014"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("fulfillment", sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_fulfillment_pushed", "fulfillment", ["pushed_at"], postgresql_where=sa.text("state = 'pushed'"))


def downgrade() -> None:
    op.drop_index("ix_fulfillment_pushed", "fulfillment")
    op.drop_column("fulfillment", "asked_at")
