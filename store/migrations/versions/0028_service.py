"""Service: exceptions, claims, red-letter drafts, receivable changes, tickets and their log."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0028"
down_revision: str | None = "0027"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

UTC = sa.DateTime(timezone=True)
TABLES = str.split("order_exception exception_line claim red_letter_draft receivable_change ticket ticket_entry macro")


def upgrade() -> None:
    _exceptions()
    _claims()
    _red_letters()
    _receivables()
    _tickets()


def _exceptions() -> None:
    op.create_table(
        "order_exception",
        sa.Column("no", sa.String(), nullable=False),
        sa.Column("order_key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("responsible", sa.String(), nullable=False),
        sa.Column("compensation", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("request_key", sa.String(), nullable=False),
        sa.Column("words_sealed", sa.LargeBinary()),
        sa.Column("amount_minor", sa.BigInteger()),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("gift_sku", sa.String(), server_default="", nullable=False),
        sa.Column("case_no", sa.String(), server_default="", nullable=False),
        sa.Column("replacement_key", sa.String(), server_default="", nullable=False),
        sa.Column("ticket_no", sa.String(), server_default="", nullable=False),
        sa.Column("owner", sa.String(), server_default="", nullable=False),
        sa.Column("opened_by", sa.String(), nullable=False),
        sa.Column("done", sa.String(), server_default="", nullable=False),
        sa.Column("turn", sa.Integer(), server_default="0", nullable=False),
        sa.Column("clock_since", UTC, nullable=False),
        sa.Column("due_at", UTC),
        sa.Column("escalated", sa.Integer(), server_default="-1", nullable=False),
        sa.Column("opened_at", UTC, nullable=False),
        sa.Column("handled_at", UTC),
        sa.Column("closed_at", UTC),
        sa.PrimaryKeyConstraint("no", name="pk_order_exception"),
        sa.ForeignKeyConstraint(["order_key"], ["orders.key"], name="fk_order_exception_order_key"),
        sa.UniqueConstraint("request_key", name="uq_order_exception_request_key"),
    )
    op.create_index(
        "ix_order_exception_due", "order_exception", ["due_at", "no"], postgresql_where=sa.text("closed_at IS NULL")
    )
    op.create_index("ix_order_exception_opened_at", "order_exception", ["opened_at"])
    op.create_index("ix_order_exception_order_key", "order_exception", ["order_key"])
    op.create_table(
        "exception_line",
        sa.Column("exception_no", sa.String(), nullable=False),
        sa.Column("line_no", sa.String(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("exception_no", "line_no", name="pk_exception_line"),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_exception_line_quantity")),
        sa.ForeignKeyConstraint(["exception_no"], ["order_exception.no"], name="fk_exception_line_exception_no"),
    )


def _claims() -> None:
    op.create_table(
        "claim",
        sa.Column("no", sa.String(), nullable=False),
        sa.Column("exception_no", sa.String(), nullable=False),
        sa.Column("order_key", sa.String(), nullable=False),
        sa.Column("against", sa.String(), nullable=False),
        sa.Column("party", sa.String(), server_default="", nullable=False),
        sa.Column("asked_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("won_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), server_default="", nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("opened_at", UTC, nullable=False),
        sa.Column("handed_in_at", UTC),
        sa.Column("ended_at", UTC),
        sa.PrimaryKeyConstraint("no", name="pk_claim"),
        sa.ForeignKeyConstraint(["exception_no"], ["order_exception.no"], name="fk_claim_exception_no"),
        sa.ForeignKeyConstraint(["order_key"], ["orders.key"], name="fk_claim_order_key"),
        sa.UniqueConstraint("exception_no", name="uq_claim_exception_no"),
    )
    op.create_index("ix_claim_order_key", "claim", ["order_key"])


def _red_letters() -> None:
    op.create_table(
        "red_letter_draft",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("exception_no", sa.String(), nullable=False),
        sa.Column("order_key", sa.String(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), server_default="", nullable=False),
        sa.Column("blue_invoice_no", sa.String(), server_default="", nullable=False),
        sa.Column("vendor", sa.String(), server_default="", nullable=False),
        sa.Column("account", sa.String(), server_default="", nullable=False),
        sa.Column("bill_no", sa.String(), server_default="", nullable=False),
        sa.Column("made_at", UTC, nullable=False),
        sa.Column("drafted_at", UTC),
        sa.Column("confirmed_at", UTC),
        sa.Column("confirmed_by", sa.String(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_red_letter_draft"),
        sa.ForeignKeyConstraint(["exception_no"], ["order_exception.no"], name="fk_red_letter_draft_exception_no"),
        sa.ForeignKeyConstraint(["order_key"], ["orders.key"], name="fk_red_letter_draft_order_key"),
        sa.UniqueConstraint("exception_no", name="uq_red_letter_draft_exception_no"),
    )
    op.create_index("ix_red_letter_draft_order_key", "red_letter_draft", ["order_key"])


def _receivables() -> None:
    op.create_table(
        "receivable_change",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("order_key", sa.String(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("at", UTC, nullable=False),
        sa.Column("posted_at", UTC),
        sa.PrimaryKeyConstraint("id", name="pk_receivable_change"),
        sa.ForeignKeyConstraint(["order_key"], ["orders.key"], name="fk_receivable_change_order_key"),
        sa.UniqueConstraint("key", name="uq_receivable_change_key"),
    )
    op.create_index("ix_receivable_change_order_key", "receivable_change", ["order_key"])
    op.create_index(
        "ix_receivable_change_unposted", "receivable_change", ["id"], postgresql_where=sa.text("posted_at IS NULL")
    )


def _tickets() -> None:
    op.create_table(
        "ticket",
        sa.Column("no", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("order_key", sa.String(), server_default="", nullable=False),
        sa.Column("buyer_index", sa.String(), server_default="", nullable=False),
        sa.Column("request_key", sa.String(), nullable=False),
        sa.Column("exception_no", sa.String(), server_default="", nullable=False),
        sa.Column("owner", sa.String(), server_default="", nullable=False),
        sa.Column("opened_by", sa.String(), nullable=False),
        sa.Column("turn", sa.Integer(), server_default="0", nullable=False),
        sa.Column("clock_since", UTC, nullable=False),
        sa.Column("due_at", UTC),
        sa.Column("escalated", sa.Integer(), server_default="-1", nullable=False),
        sa.Column("opened_at", UTC, nullable=False),
        sa.Column("answered_at", UTC),
        sa.Column("closed_at", UTC),
        sa.PrimaryKeyConstraint("no", name="pk_ticket"),
        sa.UniqueConstraint("request_key", name="uq_ticket_request_key"),
    )
    op.create_index("ix_ticket_buyer_index", "ticket", ["buyer_index"], postgresql_where=sa.text("buyer_index <> ''"))
    op.create_index("ix_ticket_due", "ticket", ["due_at", "no"], postgresql_where=sa.text("closed_at IS NULL"))
    op.create_index("ix_ticket_opened_at", "ticket", ["opened_at"])
    op.create_index("ix_ticket_order_key", "ticket", ["order_key"], postgresql_where=sa.text("order_key <> ''"))
    op.create_table(
        "ticket_entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("ticket_no", sa.String(), nullable=False),
        sa.Column("nonce", sa.String(), server_default="", nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("words_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("at", UTC, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ticket_entry"),
        sa.ForeignKeyConstraint(["ticket_no"], ["ticket.no"], name="fk_ticket_entry_ticket_no"),
    )
    op.create_index("ix_ticket_entry_ticket_no", "ticket_entry", ["ticket_no"])
    op.create_table(
        "macro",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.Column("changed_at", UTC, nullable=False),
        sa.PrimaryKeyConstraint("code", name="pk_macro"),
    )


def downgrade() -> None:
    for name in reversed(TABLES):
        op.drop_table(name)
