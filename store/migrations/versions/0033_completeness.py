"""The completeness ledger (INT-9, INT-10): windows compared number by number, and the numbers that did not agree."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0033"
down_revision: str | None = "0032"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

UTC = sa.DateTime(timezone=True)
COUNTS = ("named", "pushed", "pulled", "booked", "missing", "checks", "failures")


def _text(name: str, *, empty: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=False, server_default="" if empty else None)


def _window() -> list[sa.Column[str]]:
    return [_text("vendor"), _text("shop"), _text("kind")]


def upgrade() -> None:
    op.create_table(
        "roll_check",
        *_window(),
        sa.Column("starts_at", UTC, nullable=False),
        sa.Column("ends_at", UTC, nullable=False),
        _text("state"),
        *(sa.Column(name, sa.Integer(), nullable=False, server_default="0") for name in COUNTS),
        sa.Column("total", sa.Integer(), nullable=True),
        _text("reason", empty=True),
        sa.Column("checked_at", UTC, nullable=False),
        *(sa.Column(name, UTC, nullable=True) for name in ("next_at", "gap_at", "healed_at")),
        sa.PrimaryKeyConstraint("vendor", "shop", "kind", "starts_at", name="pk_roll_check"),
    )
    due, red = sa.text("next_at IS NOT NULL"), sa.text("state = '1-red'")
    op.create_index("ix_roll_check_next_at", "roll_check", ["vendor", "shop", "next_at"], postgresql_where=due)
    op.create_index("ix_roll_check_red", "roll_check", ["vendor", "shop"], postgresql_where=red)
    op.create_table(
        "roll_number",
        *_window(),
        sa.Column("starts_at", UTC, nullable=False),
        _text("no"),
        _text("fault"),
        _text("theirs", empty=True),
        _text("ours", empty=True),
        sa.Column("found_at", UTC, nullable=False),
        sa.Column("asks", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("settled_at", UTC, nullable=True),
        sa.PrimaryKeyConstraint("vendor", "shop", "kind", "starts_at", "no", "fault", name="pk_roll_number"),
    )
    op.create_index("ix_roll_number_no", "roll_number", ["no"])
    op.add_column("shop", sa.Column("silence_seconds", sa.Float(), nullable=True))
    op.add_column("shop", sa.Column("pull_scheduled", sa.Boolean(), nullable=True))
    op.add_column("shop", sa.Column("looked_at", UTC, nullable=True))
    op.create_index("ix_orders_shop_created_at", "orders", ["channel", "shop", "created_at"])


def downgrade() -> None:
    op.drop_index("ix_orders_shop_created_at", table_name="orders")
    for name in ("looked_at", "pull_scheduled", "silence_seconds"):
        op.drop_column("shop", name)
    op.drop_table("roll_number")
    op.drop_table("roll_check")
