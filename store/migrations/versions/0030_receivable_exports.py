"""Exports of receivable changes: one row each, and each change names the export that posted it."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0030"
down_revision: str | None = "0029"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "receivable_export",
        sa.Column("no", sa.String(), nullable=False),
        sa.Column("request_key", sa.String(), nullable=False),
        sa.Column("changes", sa.Integer(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("no", name="pk_receivable_export"),
        sa.UniqueConstraint("request_key", name="uq_receivable_export_request_key"),
    )
    op.add_column("receivable_change", sa.Column("export_no", sa.String(), nullable=False, server_default=""))
    op.create_index(
        "ix_receivable_change_export_no",
        "receivable_change",
        ["export_no", "id"],
        postgresql_where=sa.text("export_no <> ''"),
    )


def downgrade() -> None:
    op.drop_index("ix_receivable_change_export_no", table_name="receivable_change")
    op.drop_column("receivable_change", "export_no")
    op.drop_table("receivable_export")
