"""Listings, what each shop was told of its stock, and the signals that make a quantity be looked at anew."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision: str = "0017"
down_revision: str | None = "0016"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

TX_NOW = "((pg_current_xact_id())::text)::bigint"
SIGNALS = {
    "pool_member": ["AFTER INSERT OR UPDATE OR DELETE ON pool_member FOR EACH STATEMENT {all}"],
    "pool_stock": [
        "AFTER INSERT ON pool_stock FOR EACH ROW WHEN (NEW.share_percent IS NOT NULL) {sku}",
        "AFTER UPDATE OF share_percent ON pool_stock FOR EACH ROW"
        " WHEN (NEW.share_percent IS DISTINCT FROM OLD.share_percent) {sku}",
        "AFTER DELETE ON pool_stock FOR EACH ROW {sku}",
    ],
    "bundle_component": ["AFTER INSERT OR UPDATE OR DELETE ON bundle_component FOR EACH ROW {bundle}"],
    "sku_stock": [
        "AFTER INSERT ON sku_stock FOR EACH ROW {sku}",
        "AFTER UPDATE OF trial_left ON sku_stock FOR EACH ROW"
        " WHEN (NEW.trial_left IS DISTINCT FROM OLD.trial_left) {sku}",
    ],
    "safety_stock": ["AFTER INSERT OR UPDATE OR DELETE ON safety_stock FOR EACH ROW {sku}"],
    "lowered_exposure": ["AFTER INSERT OR DELETE ON lowered_exposure FOR EACH ROW {sku}"],
    "listing": ["AFTER INSERT OR UPDATE OF sku, active ON listing FOR EACH ROW {sku}"],
    "setting": [
        "AFTER INSERT OR UPDATE OF active ON setting FOR EACH ROW WHEN (NEW.kind = 'stock' AND NEW.active) {all}",
    ],
}
"""What changes a quantity without a line in the ledger. Triggers, so that no writer can forget it."""
FUNCTIONS = {
    "all": "INSERT INTO stock_signal (sku) VALUES ('');",
    "sku": "IF TG_OP = 'DELETE' THEN INSERT INTO stock_signal (sku) VALUES (OLD.sku);"
    " ELSE INSERT INTO stock_signal (sku) VALUES (NEW.sku); END IF;",
    "bundle": "IF TG_OP = 'DELETE' THEN INSERT INTO stock_signal (sku) VALUES (OLD.bundle);"
    " ELSE INSERT INTO stock_signal (sku) VALUES (NEW.bundle); END IF;",
}


def upgrade() -> None:
    _create_listing()
    _create_stock_push()
    _create_records()
    op.add_column("stock_ledger", sa.Column("tx", sa.BigInteger(), server_default=sa.text(TX_NOW), nullable=False))
    op.create_index("ix_stock_ledger_tx", "stock_ledger", ["tx"])
    for name, body in FUNCTIONS.items():
        op.execute(
            f"CREATE FUNCTION stock_signal_{name}() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN {body} RETURN NULL; END $$"
        )
    calls = {name: f"EXECUTE FUNCTION stock_signal_{name}()" for name in FUNCTIONS}
    for table, triggers in SIGNALS.items():
        for n, words in enumerate(triggers):
            op.execute(f"CREATE TRIGGER {table}_signal_{n} {words.format(**calls)}")


def downgrade() -> None:
    for table, triggers in SIGNALS.items():
        for n in range(len(triggers)):
            op.execute(f"DROP TRIGGER {table}_signal_{n} ON {table}")
    for name in FUNCTIONS:
        op.execute(f"DROP FUNCTION stock_signal_{name}()")
    op.drop_index("ix_stock_ledger_tx", "stock_ledger")
    op.drop_column("stock_ledger", "tx")
    for table in ("stock_signal", "stock_drain", "stock_told", "stock_push", "listing"):
        op.drop_table(table)


def _place() -> list[sa.Column[str]]:
    return [
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("shop", sa.String(), nullable=False),
        sa.Column("item_id", sa.String(), nullable=False),
        sa.Column("variant_id", sa.String(), server_default="", nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
    ]


def _moment(name: str, *, nullable: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _flag(name: str, *, default: bool = False) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), server_default=str(default).lower(), nullable=False)


def _create_listing() -> None:
    op.create_table(
        "listing",
        *_place(),
        sa.Column("title", sa.String(), server_default="", nullable=False),
        _flag("active", default=True),
        sa.Column("source", sa.String(), nullable=False),
        _moment("created_at"),
        _moment("changed_at"),
        sa.PrimaryKeyConstraint("channel", "shop", "item_id", "variant_id", name=op.f("pk_listing")),
    )
    op.create_index("ix_listing_shop_sku", "listing", ["channel", "shop", "sku"], postgresql_where=sa.text("active"))
    op.create_index("ix_listing_sku", "listing", ["sku"])


def _create_stock_push() -> None:
    op.create_table(
        "stock_push",
        *_place(),
        sa.Column("wanted_quantity", sa.Integer(), nullable=False),
        sa.Column("wanted_version", sa.BigInteger(), nullable=False),
        _moment("wanted_at"),
        sa.Column("state", sa.String(), nullable=False),
        _flag("raised"),
        sa.Column("pushed_quantity", sa.Integer(), nullable=True),
        sa.Column("pushed_version", sa.BigInteger(), nullable=True),
        _moment("pushed_at", nullable=True),
        sa.Column("sequence", sa.BigInteger(), server_default="0", nullable=False),
        _flag("unsure"),
        _flag("alone"),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        _moment("next_at"),
        sa.Column("error", sa.String(), server_default="", nullable=False),
        _moment("error_at", nullable=True),
        sa.CheckConstraint("wanted_quantity >= 0 AND pushed_quantity >= 0", name=op.f("ck_stock_push_not_negative")),
        sa.PrimaryKeyConstraint("channel", "shop", "item_id", "variant_id", name=op.f("pk_stock_push")),
    )
    waiting = ["channel", "shop", "raised", "next_at", "item_id"]
    op.create_index("ix_stock_push_waiting", "stock_push", waiting, postgresql_where=sa.text("state = 'waiting'"))
    op.create_index("ix_stock_push_refused", "stock_push", waiting[:2], postgresql_where=sa.text("state = 'refused'"))
    op.create_index("ix_stock_push_sku", "stock_push", ["sku"])


def _create_records() -> None:
    op.create_table(
        "stock_told",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        _moment("at"),
        *_place(),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_told")),
    )
    op.create_index("ix_stock_told_sku_at", "stock_told", ["sku", "at"])
    op.create_index("ix_stock_told_at", "stock_told", ["at"])
    op.create_table(
        "stock_drain",
        *_place()[:2],
        _moment("looked_at"),
        _moment("told_at", nullable=True),
        sa.PrimaryKeyConstraint("channel", "shop", name=op.f("pk_stock_drain")),
    )
    op.create_table(
        "stock_signal",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("tx", sa.BigInteger(), server_default=sa.text(TX_NOW), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_signal")),
    )
    op.create_index("ix_stock_signal_tx", "stock_signal", ["tx"])
