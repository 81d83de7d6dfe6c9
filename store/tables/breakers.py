"""What happens when stock runs short: the oversell breaker, who waits for units, what is proposed for a SKU."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from store.tables.columns import maybe_big, maybe_moment, moment, serial


class BreakerEvent(SQLModel, table=True):
    """One time that the sale of a SKU was stopped on all channels (INV-7); at most one of a SKU is under way.

    Cause: failures or hand. `trial` units were let through by hand since `trial_at`; ended: restock, trial, hand.
    """

    __tablename__ = "breaker_event"
    __table_args__ = (
        CheckConstraint("trial > 0", name="trial"),
        Index("uq_breaker_event_under_way", "sku", unique=True, postgresql_where=text("closed_at IS NULL")),
        Index("ix_breaker_event_sku_id", "sku", "id"),
    )

    id: int = serial()
    sku: str
    cause: str
    reason: str = ""
    opened_at: datetime = moment()
    opened_by: str
    trial: int | None = None
    trial_at: datetime | None = maybe_moment()
    closed_at: datetime | None = maybe_moment()
    closed_by: str = ""
    ended: str = ""


class LockFailure(SQLModel, table=True):
    """One order that got no reservation because units of a SKU were missing; `event_id` when it opened a breaker."""

    __tablename__ = "lock_failure"
    __table_args__ = (
        CheckConstraint("units > 0", name="units"),
        Index("ix_lock_failure_sku_at", "sku", "at"),
        Index("ix_lock_failure_event_id", "event_id"),
    )

    id: int = serial()
    sku: str
    order_key: str = Field(foreign_key="orders.key")
    units: int
    at: datetime = moment()
    event_id: int | None = maybe_big()


class StockWait(SQLModel, table=True):
    """What a paid order that waits for stock wants of one SKU, bundles as their components.

    `quantity` is 0 where it holds its units and only lacks a warehouse that has them together. `woken_at` says that
    its workflow was told of new units and has not planned yet.
    """

    __tablename__ = "stock_wait"
    __table_args__ = (
        CheckConstraint("quantity >= 0", name="quantity"),
        Index("ix_stock_wait_sku_paid_at", "sku", "paid_at"),
    )

    order_key: str = Field(primary_key=True, foreign_key="orders.key")
    sku: str = Field(primary_key=True)
    quantity: int
    paid_at: datetime = moment()
    woken_at: datetime | None = maybe_moment()


class StockQueue(SQLModel, table=True):
    """A SKU for which orders wait or waited, and the version of its counters at the last look at its line."""

    __tablename__ = "stock_queue"

    sku: str = Field(primary_key=True)
    version: int = Field(sa_type=BigInteger, nullable=False)


class ProposalRow(SQLModel, table=True):
    """One measure against running out of a SKU (INV-11). Kind: limit (units per buyer), price (rise in percent).

    State: proposed, in_force, withdrawn (never was in force), reverted.
    """

    __tablename__ = "proposal"
    __table_args__ = (
        CheckConstraint("size > 0", name="size"),
        Index(
            "uq_proposal_open", "sku", "kind", unique=True, postgresql_where=text("state IN ('proposed', 'in_force')")
        ),
        Index("ix_proposal_sku_id", "sku", "id"),
    )

    id: int = serial()
    sku: str
    kind: str
    size: int
    state: str
    atp: int
    sold: int
    made_at: datetime = moment()
    in_force_at: datetime | None = maybe_moment()
    in_force_by: str = ""
    ended_at: datetime | None = maybe_moment()
    ended_by: str = ""
    reason: str = ""
