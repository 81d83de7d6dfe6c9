"""Tables of pulling: watermarks, what was last heard, access tokens."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    _create_pull()
    _create_heard()
    _create_shop_token()
    op.add_column("shop", sa.Column("answers", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("shop", sa.Column("backup", sa.Boolean(), server_default="true", nullable=False))


def downgrade() -> None:
    op.drop_column("shop", "backup")
    op.drop_column("shop", "answers")
    op.drop_table("shop_token")
    op.drop_table("heard")
    op.drop_table("pull")


def _create_pull() -> None:
    op.create_table(
        "pull",
        sa.Column("vendor", sa.String(), nullable=False),
        sa.Column("shop", sa.String(), nullable=False),
        sa.Column("watermark", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pulled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("vendor", "shop", name=op.f("pk_pull")),
    )


def _create_heard() -> None:
    op.create_table(
        "heard",
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("shop", sa.String(), nullable=False),
        sa.Column("no", sa.String(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "shop", "no", name=op.f("pk_heard")),
    )


def _create_shop_token() -> None:
    op.create_table(
        "shop_token",
        sa.Column("vendor", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("token_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("renew_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("vendor", "code", name=op.f("pk_shop_token")),
    )
