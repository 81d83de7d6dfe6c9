"""The buyers' pages: links, codes, sessions; and where a warehouse takes goods back."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0027"
down_revision: str | None = "0026"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

UTC = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "portal_link",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("order_key", sa.String(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", UTC, nullable=False),
        sa.Column("expires_at", UTC, nullable=False),
        sa.Column("used_at", UTC),
        sa.PrimaryKeyConstraint("digest", name="pk_portal_link"),
        sa.ForeignKeyConstraint(["order_key"], ["orders.key"], name="fk_portal_link_order_key"),
    )
    op.create_index("ix_portal_link_order_key", "portal_link", ["order_key"])
    op.create_table(
        "portal_code",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("order_key", sa.String(), nullable=False),
        sa.Column("code_digest", sa.String(), nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("asked_at", UTC, nullable=False),
        sa.Column("expires_at", UTC, nullable=False),
        sa.Column("used_at", UTC),
        sa.PrimaryKeyConstraint("digest", name="pk_portal_code"),
        sa.ForeignKeyConstraint(["order_key"], ["orders.key"], name="fk_portal_code_order_key"),
    )
    op.create_index("ix_portal_code_order_key", "portal_code", ["order_key", "asked_at"])
    op.create_table(
        "portal_session",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("order_key", sa.String(), nullable=False),
        sa.Column("way", sa.String(), nullable=False),
        sa.Column("opened_at", UTC, nullable=False),
        sa.Column("expires_at", UTC, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_portal_session"),
        sa.ForeignKeyConstraint(["order_key"], ["orders.key"], name="fk_portal_session_order_key"),
    )
    op.create_index("ix_portal_session_expires_at", "portal_session", ["expires_at"])
    op.add_column("warehouse", sa.Column("return_address", sa.String(), server_default="", nullable=False))


def downgrade() -> None:
    op.drop_column("warehouse", "return_address")
    for table in ("portal_session", "portal_code", "portal_link"):
        op.drop_table(table)
