"""What is looked for at each step of an order or case is found by an index, however many there are."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0035"
down_revision: str | None = "0034"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

LOOKUPS = (
    ("parcel", "fulfillment_no"),
    ("payout", "case_no"),
    ("refund", "case_no"),
    ("after_sales_case", "replacement_key"),
)
SENT_FOR_A_CASE = sa.text("case_no <> ''")


def upgrade() -> None:
    for table, column in LOOKUPS:
        op.create_index(f"ix_{table}_{column}", table, [column])
    op.create_index("ix_orders_case_no", "orders", ["case_no"], postgresql_where=SENT_FOR_A_CASE)


def downgrade() -> None:
    op.drop_index("ix_orders_case_no", table_name="orders", postgresql_where=SENT_FOR_A_CASE)
    for table, column in reversed(LOOKUPS):
        op.drop_index(f"ix_{table}_{column}", table_name=table)
