"""Presale: supplies, who waits for them, and orders with a deposit."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0020"
down_revision: str | None = "0019"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

UTC = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("orders", sa.Column("presale", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("orders", sa.Column("deposit_at", UTC))
    op.add_column("orders", sa.Column("balance_until", UTC))
    op.add_column("order_line", sa.Column("presale", sa.Boolean(), server_default="false", nullable=False))
    _create_supplies()
    _create_holds()


def _create_supplies() -> None:
    op.create_table(
        "presale_supply",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("arrived", sa.Integer(), server_default="0", nullable=False),
        sa.Column("supplier", sa.String(), server_default="", nullable=False),
        sa.Column("due_on", UTC, nullable=False),
        sa.Column("first_due_on", UTC, nullable=False),
        sa.Column("state", sa.String(), server_default="expected", nullable=False),
        sa.Column("reason", sa.String(), server_default="", nullable=False),
        sa.Column("created_at", UTC, nullable=False),
        sa.PrimaryKeyConstraint("code", name="pk_presale_supply"),
        sa.ForeignKeyConstraint(["sku"], ["sku_stock.sku"], name="fk_presale_supply_sku"),
        sa.CheckConstraint("quantity > 0 AND arrived >= 0 AND arrived <= quantity", name="ck_presale_supply_quantity"),
    )
    op.create_index(
        "ix_presale_supply_coming", "presale_supply", ["sku", "due_on"],
        postgresql_where=sa.text("state IN ('expected', 'late')"),
    )  # fmt: skip


def _create_holds() -> None:
    op.create_table(
        "presale_hold",
        sa.Column("order_key", sa.String(), nullable=False),
        sa.Column("line_no", sa.String(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("supply", sa.String(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("converted", sa.Integer(), server_default="0", nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("news", sa.String(), server_default="", nullable=False),
        sa.Column("promised_at", UTC, nullable=False),
        sa.Column("first_promised_at", UTC, nullable=False),
        sa.Column("expires_at", UTC, nullable=False),
        sa.Column("created_at", UTC, nullable=False),
        sa.Column("ended_at", UTC),
        sa.PrimaryKeyConstraint("order_key", "line_no", "sku", name="pk_presale_hold"),
        sa.ForeignKeyConstraint(["order_key"], ["orders.key"], name="fk_presale_hold_order_key"),
        sa.ForeignKeyConstraint(["supply"], ["presale_supply.code"], name="fk_presale_hold_supply"),
        sa.CheckConstraint(
            "quantity > 0 AND converted >= 0 AND converted <= quantity", name="ck_presale_hold_quantity"
        ),
    )
    op.create_index("ix_presale_hold_supply", "presale_hold", ["supply"])
    op.create_index("ix_presale_hold_open", "presale_hold", ["sku"], postgresql_where=sa.text("state = 'open'"))
    op.create_index("ix_presale_hold_news", "presale_hold", ["order_key"], postgresql_where=sa.text("news <> ''"))


def downgrade() -> None:
    op.drop_table("presale_hold")
    op.drop_table("presale_supply")
    op.drop_column("order_line", "presale")
    for column in ("balance_until", "deposit_at", "presale"):
        op.drop_column("orders", column)
