"""Counts and adjustments under approval, transfers, inbound shipments, turnover; a promise need not be to an order."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: str = "0018"
down_revision: str | None = "0017"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

TABLES = (
    "transfer_line",
    "inbound_stage",
    "inbound_line",
    "count_line",
    "adjustment",
    "turnover_day",
    "transfer",
    "stock_report",
    "stock_count",
    "receipt",
    "number_series",
    "inbound",
    "approval",
)
NOT_ONLY_ORDERS = ("allocation", "outgoing")
"""Their `order_key` may name a transfer or an inbound shipment as well."""


def upgrade() -> None:
    _create_approval()
    _create_inbound()
    _create_number_series()
    _create_receipt()
    _create_stock_count()
    _create_stock_report()
    _create_transfer()
    _create_turnover_day()
    _create_adjustment()
    _create_count_line()
    _create_inbound_line()
    _create_inbound_stage()
    _create_transfer_line()
    for table in NOT_ONLY_ORDERS:
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS fk_{table}_order_key")


def downgrade() -> None:
    # Refused while a transfer holds units: forgetting them would leave counters that nothing explains.
    for table in NOT_ONLY_ORDERS:
        op.create_foreign_key(op.f(f"fk_{table}_order_key"), table, "orders", ["order_key"], ["key"])
    for table in TABLES:
        op.drop_table(table)


def _create_approval() -> None:
    op.create_table(
        "approval",
        sa.Column("no", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("evidence", JSONB(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("decided_by", sa.String(), server_default="", nullable=False),
        sa.Column("reason", sa.String(), server_default="", nullable=False),
        sa.Column("outcome", sa.String(), server_default="", nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_approval")),
    )
    op.create_index("ix_approval_asked_at", "approval", ["asked_at"], unique=False)
    op.create_index(
        "ix_approval_open", "approval", ["kind", "subject"], unique=True, postgresql_where=sa.text("state = 'open'")
    )
    op.create_index(
        "ix_approval_unstarted",
        "approval",
        ["no"],
        unique=False,
        postgresql_where=sa.text("state = 'open' AND started_at IS NULL"),
    )


def _create_inbound() -> None:
    op.create_table(
        "inbound",
        sa.Column("no", sa.String(), nullable=False),
        sa.Column("supplier", sa.String(), nullable=False),
        sa.Column("warehouse", sa.String(), nullable=False),
        sa.Column("eta", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), server_default="", nullable=False),
        sa.Column("overseas", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("customs_no", sa.String(), server_default="", nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_inbound")),
    )
    op.create_index(
        "ix_inbound_open", "inbound", ["eta"], unique=False, postgresql_where=sa.text("received_at IS NULL")
    )


def _create_number_series() -> None:
    op.create_table(
        "number_series",
        sa.Column("series", sa.String(), nullable=False),
        sa.Column("day", sa.String(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("series", "day", name=op.f("pk_number_series")),
    )


def _create_receipt() -> None:
    op.create_table(
        "receipt",
        sa.Column("entry_no", sa.String(), nullable=False),
        sa.Column("confirm_id", sa.String(), nullable=False),
        sa.Column("line_no", sa.String(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("grade", sa.String(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("inbox_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_receipt_quantity")),
        sa.PrimaryKeyConstraint("entry_no", "confirm_id", "line_no", "sku", "grade", name=op.f("pk_receipt")),
    )


def _create_stock_count() -> None:
    op.create_table(
        "stock_count",
        sa.Column("no", sa.String(), nullable=False),
        sa.Column("warehouse", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("agreed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("differing", sa.Integer(), server_default="0", nullable=False),
        sa.Column("unsettled", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failed", sa.String(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_stock_count")),
    )
    op.create_index("ix_stock_count_begun_at", "stock_count", ["begun_at"], unique=False)
    op.create_index(
        "ix_stock_count_open",
        "stock_count",
        ["warehouse", "scope"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def _create_stock_report() -> None:
    op.create_table(
        "stock_report",
        sa.Column("warehouse", sa.String(), nullable=False),
        sa.Column("report_id", sa.String(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("grade", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("document_no", sa.String(), server_default="", nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("count_no", sa.String(), server_default="", nullable=False),
        sa.Column("inbox_id", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("warehouse", "report_id", "sku", "grade", name=op.f("pk_stock_report")),
    )
    op.create_index(
        "ix_stock_report_new", "stock_report", ["warehouse"], unique=False, postgresql_where=sa.text("count_no = ''")
    )


def _create_transfer() -> None:
    op.create_table(
        "transfer",
        sa.Column("no", sa.String(), nullable=False),
        sa.Column("batch", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), server_default="", nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("approval_no", sa.String(), server_default="", nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("shipped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_transfer")),
    )
    op.create_index("ix_transfer_asked_at", "transfer", ["asked_at"], unique=False)
    op.create_index("ix_transfer_batch", "transfer", ["batch"], unique=False)


def _create_turnover_day() -> None:
    op.create_table(
        "turnover_day",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("on_hand", sa.Integer(), nullable=False),
        sa.Column("sold_7", sa.Integer(), nullable=False),
        sa.Column("sold_30", sa.Integer(), nullable=False),
        sa.Column("age_days", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("day", "sku", name=op.f("pk_turnover_day")),
    )


def _create_adjustment() -> None:
    op.create_table(
        "adjustment",
        sa.Column("no", sa.String(), nullable=False),
        sa.Column("warehouse", sa.String(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("grade", sa.String(), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("count_no", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), server_default="", nullable=False),
        sa.Column("approval_no", sa.String(), server_default="", nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("units <> 0", name=op.f("ck_adjustment_units")),
        sa.ForeignKeyConstraint(["count_no"], ["stock_count.no"], name=op.f("fk_adjustment_count_no")),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_adjustment")),
    )
    op.create_index("ix_adjustment_count_no", "adjustment", ["count_no"], unique=False)
    op.create_index(
        "ix_adjustment_open",
        "adjustment",
        ["warehouse", "sku", "grade"],
        unique=True,
        postgresql_where=sa.text("state IN ('waiting', 'blocked')"),
    )


def _create_count_line() -> None:
    op.create_table(
        "count_line",
        sa.Column("count_no", sa.String(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("grade", sa.String(), nullable=False),
        sa.Column("ours", sa.Integer(), nullable=False),
        sa.Column("theirs", sa.Integer(), nullable=False),
        sa.Column("first_difference", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), server_default="", nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["count_no"], ["stock_count.no"], name=op.f("fk_count_line_count_no")),
        sa.PrimaryKeyConstraint("count_no", "sku", "grade", name=op.f("pk_count_line")),
    )
    op.create_index(
        "ix_count_line_open",
        "count_line",
        ["count_no", "sku"],
        unique=False,
        postgresql_where=sa.text("verdict <> 'agrees'"),
    )
    op.create_index("ix_count_line_sku", "count_line", ["sku", "looked_at"], unique=False)


def _create_inbound_line() -> None:
    op.create_table(
        "inbound_line",
        sa.Column("inbound_no", sa.String(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("received", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("quantity > 0 AND received >= 0", name=op.f("ck_inbound_line_quantity")),
        sa.ForeignKeyConstraint(["inbound_no"], ["inbound.no"], name=op.f("fk_inbound_line_inbound_no")),
        sa.PrimaryKeyConstraint("inbound_no", "sku", name=op.f("pk_inbound_line")),
    )
    op.create_index("ix_inbound_line_sku", "inbound_line", ["sku"], unique=False)


def _create_inbound_stage() -> None:
    op.create_table(
        "inbound_stage",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("inbound_no", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["inbound_no"], ["inbound.no"], name=op.f("fk_inbound_stage_inbound_no")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound_stage")),
    )
    op.create_index(op.f("ix_inbound_stage_inbound_no"), "inbound_stage", ["inbound_no"], unique=False)


def _create_transfer_line() -> None:
    op.create_table(
        "transfer_line",
        sa.Column("transfer_no", sa.String(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("shipped", sa.Integer(), server_default="0", nullable=False),
        sa.Column("received", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "quantity > 0 AND shipped >= 0 AND shipped <= quantity AND received >= 0",
            name=op.f("ck_transfer_line_quantity"),
        ),
        sa.ForeignKeyConstraint(["transfer_no"], ["transfer.no"], name=op.f("fk_transfer_line_transfer_no")),
        sa.PrimaryKeyConstraint("transfer_no", "sku", name=op.f("pk_transfer_line")),
    )
    op.create_index("ix_transfer_line_sku", "transfer_line", ["sku"], unique=False)
