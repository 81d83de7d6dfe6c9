"""After-sales cases: what is asked for, what came back, what is paid, and the events that wake long processes."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: str = "0021"
down_revision: str | None = "0020"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

UTC = sa.DateTime(timezone=True)
TABLES = (
    "process_event payout refund_grant unmatched_return inspection return_receipt case_photo case_line after_sales_case"
)


def upgrade() -> None:
    op.add_column("refund", sa.Column("case_no", sa.String(), server_default="", nullable=False))
    op.add_column("orders", sa.Column("case_no", sa.String(), server_default="", nullable=False))
    _create_after_sales_case()
    _index_after_sales_case()
    _create_case_line()
    _create_case_photo()
    _create_return_receipt()
    _create_inspection()
    _create_unmatched_return()
    _create_refund_grant()
    _create_payout()
    _create_process_event()


def _columns(kind: Any, names: str, default: str | None = None) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, server_default=default, nullable=False) for name in names.split()]


def _maybe(kind: Any, names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind) for name in names.split()]


def _create_after_sales_case() -> None:
    op.create_table(
        "after_sales_case",
        *_columns(sa.String(), "no order_key channel shop kind origin"),
        sa.Column("phase", sa.String(), server_default="", nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        *_columns(sa.String(), "outcome channel_case_no channel_state channel_raw", ""),
        sa.Column("channel_time", UTC),
        sa.Column("channel_told", sa.String(), server_default="", nullable=False),
        *_columns(sa.String(), "request_key reason"),
        sa.Column("fault", sa.String(), server_default="", nullable=False),
        sa.Column("words_sealed", sa.LargeBinary()),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("wanted_minor", sa.BigInteger()),
        sa.Column("granted_minor", sa.BigInteger(), server_default="0", nullable=False),
        *_columns(sa.String(), "review reviewed_by verdict_words", ""),
        sa.Column("approved_minor", sa.BigInteger()),
        sa.Column("stop", sa.String(), server_default="", nullable=False),
        *_columns(sa.Boolean(), "returns pay_first freight_back no_refund", "false"),
        *_columns(sa.Integer(), "policy_version policy_row", "0"),
        sa.Column("warehouse", sa.String(), server_default="", nullable=False),
        *_maybe(UTC, "authorised_at return_until"),
        *_columns(sa.String(), "carrier waybill_no waybill_by", ""),
        *_maybe(UTC, "received_at inspected_at"),
        *_columns(sa.String(), "differs replacement_key owner asked_by withdrawn_by", ""),
        sa.Column("step_since", UTC, nullable=False),
        sa.Column("due_at", UTC),
        sa.Column("escalated", sa.Integer(), server_default="-1", nullable=False),
        sa.Column("opened_at", UTC, nullable=False),
        sa.Column("closed_at", UTC),
        sa.Column("inbox_id", sa.BigInteger()),
        sa.PrimaryKeyConstraint("no", name="pk_after_sales_case"),
        sa.ForeignKeyConstraint(["order_key"], ["orders.key"], name="fk_after_sales_case_order_key"),
        sa.CheckConstraint(
            "granted_minor >= 0 AND (wanted_minor IS NULL OR wanted_minor >= 0)",
            name="ck_after_sales_case_ck_after_sales_case_money",
        ),
        sa.UniqueConstraint("request_key", name="uq_after_sales_case_request_key"),
    )


def _index_after_sales_case() -> None:
    op.create_index("ix_after_sales_case_closed_at", "after_sales_case", ["closed_at"])
    op.create_index(
        "ix_after_sales_case_due", "after_sales_case", ["due_at", "no"], postgresql_where=sa.text("closed_at IS NULL")
    )
    op.create_index("ix_after_sales_case_opened_at", "after_sales_case", ["opened_at"])
    op.create_index("ix_after_sales_case_order_key", "after_sales_case", ["order_key"])
    op.create_index(
        "ix_after_sales_case_waybill_no",
        "after_sales_case",
        ["waybill_no"],
        postgresql_where=sa.text("waybill_no <> ''"),
    )
    op.create_index(
        "uq_after_sales_case_channel",
        "after_sales_case",
        ["channel", "shop", "channel_case_no"],
        unique=True,
        postgresql_where=sa.text("channel_case_no <> ''"),
    )


def _create_case_line() -> None:
    op.create_table(
        "case_line",
        *_columns(sa.String(), "case_no line_no sku"),
        sa.Column("quantity", sa.Integer(), nullable=False),
        *_columns(sa.Integer(), "good damaged granted", "0"),
        sa.Column("granted_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("case_no", "line_no", name="pk_case_line"),
        sa.ForeignKeyConstraint(["case_no"], ["after_sales_case.no"], name="fk_case_line_case_no"),
        sa.CheckConstraint("quantity > 0 AND good >= 0 AND damaged >= 0", name="ck_case_line_ck_case_line_quantity"),
    )
    op.create_index("ix_case_line_sku", "case_line", ["sku"])


def _create_case_photo() -> None:
    op.create_table(
        "case_photo",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        *_columns(sa.String(), "case_no kind mime"),
        *_columns(sa.Integer(), "width height"),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("body_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("taken_at", UTC, nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        *_columns(sa.String(), "reading read_carrier read_waybill_no", ""),
        sa.Column("read_percent", sa.Integer(), server_default="0", nullable=False),
        sa.Column("read_by", sa.String(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_case_photo"),
        sa.ForeignKeyConstraint(["case_no"], ["after_sales_case.no"], name="fk_case_photo_case_no"),
        sa.UniqueConstraint("case_no", "sha256", name="uq_case_photo_case_no_sha256"),
    )


def _create_return_receipt() -> None:
    op.create_table(
        "return_receipt",
        *_columns(sa.String(), "case_no confirm_id line_no sku grade"),
        sa.Column("quantity", sa.Integer(), nullable=False),
        *_columns(sa.String(), "warehouse actor"),
        sa.Column("received_at", UTC, nullable=False),
        sa.Column("inbox_id", sa.BigInteger()),
        sa.PrimaryKeyConstraint("case_no", "confirm_id", "line_no", "sku", "grade", name="pk_return_receipt"),
        sa.ForeignKeyConstraint(["case_no"], ["after_sales_case.no"], name="fk_return_receipt_case_no"),
    )


def _create_inspection() -> None:
    op.create_table(
        "inspection",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        *_columns(sa.String(), "case_no nonce sku grade"),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("note", sa.String(), server_default="", nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("at", UTC, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_inspection"),
        sa.ForeignKeyConstraint(["case_no"], ["after_sales_case.no"], name="fk_inspection_case_no"),
        sa.CheckConstraint("quantity > 0", name="ck_inspection_ck_inspection_quantity"),
        sa.UniqueConstraint("case_no", "nonce", "sku", "grade", name="uq_inspection_case_no_nonce_sku_grade"),
    )


def _create_unmatched_return() -> None:
    op.create_table(
        "unmatched_return",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        *_columns(sa.String(), "warehouse confirm_id"),
        *_columns(sa.String(), "carrier waybill_no order_no", ""),
        sa.Column("lines", JSONB(), nullable=False),
        sa.Column("state", sa.String(), server_default="open", nullable=False),
        *_columns(sa.String(), "case_no note", ""),
        sa.Column("received_at", UTC, nullable=False),
        sa.Column("closed_at", UTC),
        sa.Column("inbox_id", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_unmatched_return"),
        sa.UniqueConstraint("warehouse", "confirm_id", name="uq_unmatched_return_warehouse_confirm_id"),
    )
    op.create_index(
        "ix_unmatched_return_open", "unmatched_return", ["received_at"], postgresql_where=sa.text("state = 'open'")
    )
    op.create_index("ix_unmatched_return_waybill_no", "unmatched_return", ["waybill_no"])


def _create_refund_grant() -> None:
    op.create_table(
        "refund_grant",
        *_columns(sa.String(), "key case_no order_key"),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("freight_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("parts", JSONB(), nullable=False),
        sa.Column("granted_by", sa.String(), nullable=False),
        sa.Column("granted_at", UTC, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_refund_grant"),
        sa.ForeignKeyConstraint(["case_no"], ["after_sales_case.no"], name="fk_refund_grant_case_no"),
        sa.ForeignKeyConstraint(["order_key"], ["orders.key"], name="fk_refund_grant_order_key"),
        sa.CheckConstraint("amount_minor > 0", name="ck_refund_grant_ck_refund_grant_amount"),
        sa.UniqueConstraint("case_no", name="uq_refund_grant_case_no"),
    )
    op.create_index("ix_refund_grant_order_key", "refund_grant", ["order_key"])


def _create_payout() -> None:
    op.create_table(
        "payout",
        *_columns(sa.String(), "key grant_key case_no order_key way"),
        *_columns(sa.String(), "vendor account", ""),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        *_columns(sa.String(), "currency state"),
        *_columns(sa.String(), "reason reference", ""),
        sa.Column("wanted_at", UTC, nullable=False),
        sa.Column("paid_at", UTC),
        sa.PrimaryKeyConstraint("key", name="pk_payout"),
        sa.ForeignKeyConstraint(["case_no"], ["after_sales_case.no"], name="fk_payout_case_no"),
        sa.ForeignKeyConstraint(["order_key"], ["orders.key"], name="fk_payout_order_key"),
        sa.ForeignKeyConstraint(["grant_key"], ["refund_grant.key"], name="fk_payout_grant_key"),
        sa.UniqueConstraint("grant_key", name="uq_payout_grant_key"),
    )
    op.create_index("ix_payout_order_key", "payout", ["order_key"])


def _create_process_event() -> None:
    op.create_table(
        "process_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        *_columns(sa.String(), "process order_key event"),
        sa.Column("created_at", UTC, nullable=False),
        sa.Column("claimed_until", UTC),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("delivered_at", UTC),
        *_columns(sa.String(), "result trace", ""),
        sa.PrimaryKeyConstraint("id", name="pk_process_event"),
    )
    op.create_index("ix_process_event_new", "process_event", ["id"], postgresql_where=sa.text("delivered_at IS NULL"))
    op.create_index("ix_process_event_process", "process_event", ["process"])


def downgrade() -> None:
    for table in TABLES.split():
        op.drop_table(table)
    op.drop_column("orders", "case_no")
    op.drop_column("refund", "case_no")
