"""What the status map needs: codes that nobody knows yet, and orders that their channel forbids to ship."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("orders", sa.Column("channel_hold", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("observation", sa.Column("raw_status", sa.String(), server_default="", nullable=False))
    op.create_index(
        "ix_observation_unmapped", "observation", ["raw_status"], postgresql_where=sa.text("state = 'unmapped'")
    )


def downgrade() -> None:
    op.drop_index("ix_observation_unmapped", table_name="observation", postgresql_where=sa.text("state = 'unmapped'"))
    op.drop_column("observation", "raw_status")
    op.drop_column("orders", "channel_hold")
