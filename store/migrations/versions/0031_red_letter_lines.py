"""The lines of the blue invoice that a red letter turns red, where only a part is paid back."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: str = "0031"
down_revision: str | None = "0030"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("red_letter_draft", sa.Column("lines", JSONB(), nullable=False, server_default="[]"))


def downgrade() -> None:
    op.drop_column("red_letter_draft", "lines")
