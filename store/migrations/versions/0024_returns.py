"""Goods that come back: when their warehouse was asked about them, and the parcels that bring them."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0024"
down_revision: str | None = "0023"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

UTC = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("after_sales_case", sa.Column("return_asked_at", UTC))
    op.add_column("inspection", sa.Column("photo_id", sa.BigInteger()))
    op.create_table(
        "return_parcel",
        sa.Column("carrier", sa.String(), nullable=False),
        sa.Column("waybill_no", sa.String(), nullable=False),
        sa.Column("case_no", sa.String(), nullable=False),
        sa.Column("order_key", sa.String(), nullable=False),
        sa.Column("state", sa.String(), server_default="", nullable=False),
        sa.Column("location", sa.String(), server_default="", nullable=False),
        sa.Column("traces", postgresql.JSONB(), nullable=False),
        sa.Column("noted_at", UTC, nullable=False),
        sa.Column("subscribed_at", UTC),
        sa.Column("heard_at", UTC),
        sa.Column("signed_at", UTC),
        sa.Column("next_query_at", UTC, nullable=False),
        sa.PrimaryKeyConstraint("carrier", "waybill_no", name="pk_return_parcel"),
        sa.ForeignKeyConstraint(["case_no"], ["after_sales_case.no"], name="fk_return_parcel_case_no"),
    )
    op.create_index("ix_return_parcel_case_no", "return_parcel", ["case_no"])
    op.create_index(
        "ix_return_parcel_next_query_at",
        "return_parcel",
        ["next_query_at"],
        postgresql_where=sa.text("signed_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("return_parcel")
    op.drop_column("inspection", "photo_id")
    op.drop_column("after_sales_case", "return_asked_at")
