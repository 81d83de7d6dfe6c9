"""Tables of messages."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    _create_alert()
    _create_audit()
    _create_reread()
    _create_delivery()
    _create_outgoing()
    _create_audit_guard()


def downgrade() -> None:
    op.execute("DROP FUNCTION audit_is_append_only CASCADE")
    op.drop_index("ix_outgoing_waiting", table_name="outgoing", postgresql_where=sa.text("state = 'new'"))
    op.drop_index("ix_outgoing_order_key", table_name="outgoing")
    op.drop_table("outgoing")
    op.drop_index("ix_delivery_waiting", table_name="delivery", postgresql_where=sa.text("delivered_at IS NULL"))
    op.drop_index("ix_delivery_order_key", table_name="delivery")
    op.drop_table("delivery")
    op.drop_index("ix_reread_waiting", table_name="reread", postgresql_where=sa.text("state = 'new'"))
    op.drop_table("reread")
    op.drop_index("ix_audit_subject_id", table_name="audit")
    op.drop_table("audit")
    op.drop_index("ix_alert_open", table_name="alert", postgresql_where=sa.text("cleared_at IS NULL"))
    op.drop_table("alert")


def _create_alert() -> None:
    op.create_table(
        "alert",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert")),
        sa.UniqueConstraint("key", name=op.f("uq_alert_key")),
    )
    op.create_index(
        "ix_alert_open", "alert", ["raised_at"], unique=False, postgresql_where=sa.text("cleared_at IS NULL")
    )


def _create_audit() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("inbox_id", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index("ix_audit_subject_id", "audit", ["subject", "id"], unique=False)


def _create_reread() -> None:
    op.create_table(
        "reread",
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("shop", sa.String(), nullable=False),
        sa.Column("no", sa.String(), nullable=False),
        sa.Column("lane", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("channel", "shop", "no", name=op.f("pk_reread")),
    )
    op.create_index(
        "ix_reread_waiting",
        "reread",
        ["channel", "shop", "lane", "next_at"],
        unique=False,
        postgresql_where=sa.text("state = 'new'"),
    )


def _create_delivery() -> None:
    op.create_table(
        "delivery",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("order_key", sa.String(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("lane", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("result", sa.String(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["order_key"], ["orders.key"], name=op.f("fk_delivery_order_key")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
    )
    op.create_index("ix_delivery_order_key", "delivery", ["order_key"], unique=False)
    op.create_index(
        "ix_delivery_waiting",
        "delivery",
        ["lane", "id"],
        unique=False,
        postgresql_where=sa.text("delivered_at IS NULL"),
    )


def _create_outgoing() -> None:
    op.create_table(
        "outgoing",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("vendor", sa.String(), nullable=False),
        sa.Column("shop", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("order_key", sa.String(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["order_key"], ["orders.key"], name=op.f("fk_outgoing_order_key")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outgoing")),
        sa.UniqueConstraint("key", name=op.f("uq_outgoing_key")),
    )
    op.create_index("ix_outgoing_order_key", "outgoing", ["order_key"], unique=False)
    op.create_index(
        "ix_outgoing_waiting",
        "outgoing",
        ["kind", "vendor", "shop", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'new'"),
    )


def _create_audit_guard() -> None:
    op.execute(
        """
        CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'the audit log is append-only';
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()"
    )
