"""Tickets that messages open: what comes with them, the message as received, and how far mail accounts are read."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0032"
down_revision: str | None = "0031"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

UTC = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("ticket", sa.Column("named_order", sa.String(), server_default="", nullable=False))
    op.add_column("ticket", sa.Column("case_no", sa.String(), server_default="", nullable=False))
    op.add_column("ticket_entry", sa.Column("beside_sealed", sa.LargeBinary()))
    op.add_column("ticket_entry", sa.Column("inbox_id", sa.BigInteger()))
    op.create_index("ix_ticket_entry_nonce", "ticket_entry", ["nonce"], postgresql_where=sa.text("nonce <> ''"))
    op.create_table(
        "mailbox",
        sa.Column("vendor", sa.String(), nullable=False),
        sa.Column("shop", sa.String(), nullable=False),
        sa.Column("uid_validity", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("last_uid", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("asked_at", UTC),
        sa.Column("read_at", UTC),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reason", sa.String(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("vendor", "shop", name="pk_mailbox"),
    )


def downgrade() -> None:
    op.drop_table("mailbox")
    op.drop_index("ix_ticket_entry_nonce", table_name="ticket_entry")
    for table, column in (
        ("ticket_entry", "inbox_id"),
        ("ticket_entry", "beside_sealed"),
        ("ticket", "case_no"),
        ("ticket", "named_order"),
    ):
        op.drop_column(table, column)
