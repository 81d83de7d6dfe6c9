"""Cases of the channels: pulled beside orders, with a watermark of their own, and asked for one by one."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0026"
down_revision: str | None = "0025"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KEYS = (("pull", "kind", ["vendor", "shop"]), ("reread", "about", ["channel", "shop", "no"]))


def upgrade() -> None:
    for table, column, key in KEYS:
        op.add_column(table, sa.Column(column, sa.String(), server_default="order", nullable=False))
        op.drop_constraint(f"pk_{table}", table, type_="primary")
        op.create_primary_key(f"pk_{table}", table, [*key, column])


def downgrade() -> None:
    for table, column, key in KEYS:
        op.execute(sa.text(f"DELETE FROM {table} WHERE {column} <> 'order'"))  # noqa: S608  (our own names)
        op.drop_constraint(f"pk_{table}", table, type_="primary")
        op.drop_column(table, column)
        op.create_primary_key(f"pk_{table}", table, key)
