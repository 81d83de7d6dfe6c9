"""Tables of money at payment providers: payments and refunds."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "payment",
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("transaction_id", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("order_key", sa.String(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("back_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("inbox_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("back_minor BETWEEN 0 AND amount_minor", name=op.f("ck_payment_never_more_than_paid")),
        sa.ForeignKeyConstraint(["order_key"], ["orders.key"], name=op.f("fk_payment_order_key")),
        sa.PrimaryKeyConstraint("provider", "transaction_id", name=op.f("pk_payment")),
    )
    op.create_index("ix_payment_order_key", "payment", ["order_key"])
    op.create_index(
        "uq_payment_taken", "payment", ["order_key"], unique=True, postgresql_where=sa.text("state = 'taken'")
    )
    op.create_table(
        "refund",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("no", sa.String(), nullable=False),
        sa.Column("order_key", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("transaction_id", sa.String(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("provider_refund_id", sa.String(), server_default="", nullable=False),
        sa.Column("reason", sa.String(), server_default="", nullable=False),
        sa.Column("wanted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("succeeded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("inbox_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_refund_amount")),
        sa.ForeignKeyConstraint(["order_key"], ["orders.key"], name=op.f("fk_refund_order_key")),
        sa.ForeignKeyConstraint(
            ["provider", "transaction_id"], ["payment.provider", "payment.transaction_id"], name="fk_refund_payment"
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_refund")),
        sa.UniqueConstraint("no", name=op.f("uq_refund_no")),
    )
    op.create_index("ix_refund_order_key", "refund", ["order_key"])


def downgrade() -> None:
    op.drop_table("refund")
    op.drop_table("payment")
