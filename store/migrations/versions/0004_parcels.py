"""Tables of parcels."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    _create_trace()
    _create_fulfillment()
    _create_parcel()
    _create_process_report()
    _create_shipment_confirm()


def downgrade() -> None:
    op.drop_table("shipment_confirm")
    op.drop_table("process_report")
    op.drop_index("ix_parcel_waybill_no", table_name="parcel")
    op.drop_index("ix_parcel_query", table_name="parcel", postgresql_where=sa.text("signed_at IS NULL"))
    op.drop_index("ix_parcel_order_key", table_name="parcel")
    op.drop_table("parcel")
    op.drop_index("ix_fulfillment_order_key", table_name="fulfillment")
    op.drop_table("fulfillment")
    op.drop_table("trace")


def _create_trace() -> None:
    op.create_table(
        "trace",
        sa.Column("carrier", sa.String(), nullable=False),
        sa.Column("waybill_no", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("text_index", sa.String(), nullable=False),
        sa.Column("text_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("location", sa.String(), server_default="", nullable=False),
        sa.Column("raw_code", sa.String(), server_default="", nullable=False),
        sa.Column("inbox_id", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("carrier", "waybill_no", "at", "text_index", name=op.f("pk_trace")),
    )


def _create_fulfillment() -> None:
    op.create_table(
        "fulfillment",
        sa.Column("no", sa.String(), nullable=False),
        sa.Column("order_key", sa.String(), nullable=False),
        sa.Column("warehouse", sa.String(), nullable=False),
        sa.Column("carrier", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), server_default="", nullable=False),
        sa.Column("wms_ref", sa.String(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pushed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("shipped_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["order_key"], ["orders.key"], name=op.f("fk_fulfillment_order_key")),
        sa.PrimaryKeyConstraint("no", name=op.f("pk_fulfillment")),
    )
    op.create_index("ix_fulfillment_order_key", "fulfillment", ["order_key"], unique=False)


def _create_parcel() -> None:
    op.create_table(
        "parcel",
        sa.Column("carrier", sa.String(), nullable=False),
        sa.Column("waybill_no", sa.String(), nullable=False),
        sa.Column("fulfillment_no", sa.String(), nullable=False),
        sa.Column("order_key", sa.String(), nullable=False),
        sa.Column("confirm_id", sa.String(), nullable=False),
        sa.Column("weight_kg", sa.String(), server_default="", nullable=False),
        sa.Column("items", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("raw_state", sa.String(), server_default="", nullable=False),
        sa.Column("raw_substate", sa.String(), server_default="", nullable=False),
        sa.Column("shipped_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("subscribed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_query_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("inbox_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["fulfillment_no"], ["fulfillment.no"], name=op.f("fk_parcel_fulfillment_no")),
        sa.ForeignKeyConstraint(["order_key"], ["orders.key"], name=op.f("fk_parcel_order_key")),
        sa.PrimaryKeyConstraint("carrier", "waybill_no", name=op.f("pk_parcel")),
    )
    op.create_index("ix_parcel_order_key", "parcel", ["order_key"], unique=False)
    op.create_index(
        "ix_parcel_query", "parcel", ["next_query_at"], unique=False, postgresql_where=sa.text("signed_at IS NULL")
    )
    op.create_index("ix_parcel_waybill_no", "parcel", ["waybill_no"], unique=False)


def _create_process_report() -> None:
    op.create_table(
        "process_report",
        sa.Column("fulfillment_no", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("operator", sa.String(), server_default="", nullable=False),
        sa.Column("inbox_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["fulfillment_no"], ["fulfillment.no"], name=op.f("fk_process_report_fulfillment_no")),
        sa.PrimaryKeyConstraint("fulfillment_no", "stage", "reported_at", name=op.f("pk_process_report")),
    )


def _create_shipment_confirm() -> None:
    op.create_table(
        "shipment_confirm",
        sa.Column("fulfillment_no", sa.String(), nullable=False),
        sa.Column("confirm_id", sa.String(), nullable=False),
        sa.Column("final", sa.Boolean(), nullable=False),
        sa.Column("bare", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("booked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("inbox_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["fulfillment_no"], ["fulfillment.no"], name=op.f("fk_shipment_confirm_fulfillment_no")
        ),
        sa.PrimaryKeyConstraint("fulfillment_no", "confirm_id", name=op.f("pk_shipment_confirm")),
    )
