"""After-sales cases: what is asked for, what came back, what is paid; and the events that wake long processes."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column, Computed, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from store.tables.columns import document, maybe_big, maybe_moment, maybe_sealed, minor, moment, sealed, serial

CASE_TURN = """
CASE WHEN closed_at IS NOT NULL THEN 50000000000000 - floor(extract(epoch FROM closed_at AT TIME ZONE 'UTC') * 1000)
    WHEN due_at IS NOT NULL THEN 20000000000000 + floor(extract(epoch FROM due_at AT TIME ZONE 'UTC') * 1000)
    ELSE 30000000000000 + floor(extract(epoch FROM opened_at AT TIME ZONE 'UTC') * 1000)
    END
"""
"""A case's place in the queue, smallest first, in bands of 10^13 within which it counts milliseconds: open by deadline,
open without one by age, closed newest first."""


class AfterSalesCaseRow(SQLModel, table=True):
    """One case. States, kinds and outcomes are domain/after_sales.py's words; `stop` and `review` case_flow.py's.

    `request_key` makes opening it twice harmless. `wanted_minor` null: all that is refundable. `policy_row` is the row
    that decided (0: before the table). `channel_state` is what the platform last said of its own case, at
    `channel_time`. `escalated` is the highest rung that was climbed in this step, -1 for none.
    """

    __tablename__ = "after_sales_case"
    __table_args__ = (
        UniqueConstraint("request_key"),
        Index("ix_after_sales_case_order_key", "order_key"),
        Index("ix_after_sales_case_replacement_key", "replacement_key"),
        Index("ix_after_sales_case_due", "due_at", "no", postgresql_where=text("closed_at IS NULL")),
        Index("ix_after_sales_case_opened_at", "opened_at"),
        Index("ix_after_sales_case_closed_at", "closed_at"),
        Index("ix_after_sales_case_waybill_no", "waybill_no", postgresql_where=text("waybill_no <> ''")),
        Index("ix_after_sales_case_turn", "turn", "no"),
        Index("ix_after_sales_case_state_turn", "state", "turn", "no"),
        Index("ix_after_sales_case_kind_turn", "kind", "turn", "no"),
        Index("ix_after_sales_case_channel_turn", "channel", "turn", "no"),
        Index("ix_after_sales_case_shop_turn", "shop", "turn", "no"),
        Index("ix_after_sales_case_owner_turn", "owner", "turn", "no"),
        Index("ix_after_sales_case_reason_turn", "reason", "turn", "no"),
        Index(
            "ix_after_sales_case_channel_case_no", "channel_case_no", postgresql_where=text("channel_case_no <> ''")
        ),
        Index(
            "uq_after_sales_case_channel", "channel", "shop", "channel_case_no", unique=True,
            postgresql_where=text("channel_case_no <> ''"),
        ),
        CheckConstraint("granted_minor >= 0 AND (wanted_minor IS NULL OR wanted_minor >= 0)", name="money"),
    )  # fmt: skip

    no: str = Field(primary_key=True)
    order_key: str = Field(foreign_key="orders.key")
    channel: str
    shop: str
    kind: str
    origin: str
    phase: str = ""
    state: str
    outcome: str = ""
    channel_case_no: str = ""
    channel_state: str = ""
    channel_raw: str = ""
    channel_time: datetime | None = maybe_moment()
    channel_told: str = ""
    request_key: str
    reason: str
    fault: str = ""
    words_sealed: bytes | None = maybe_sealed()
    currency: str
    wanted_minor: int | None = Field(default=None, sa_type=BigInteger, nullable=True)
    granted_minor: int = minor()
    review: str = ""
    reviewed_by: str = ""
    verdict_words: str = ""
    approved_minor: int | None = Field(default=None, sa_type=BigInteger, nullable=True)
    stop: str = ""
    returns: bool = False
    pay_first: bool = False
    freight_back: bool = False
    no_refund: bool = False
    policy_version: int = 0
    policy_row: int = 0
    warehouse: str = ""
    authorised_at: datetime | None = maybe_moment()
    return_until: datetime | None = maybe_moment()
    return_asked_at: datetime | None = maybe_moment()
    carrier: str = ""
    waybill_no: str = ""
    waybill_by: str = ""
    received_at: datetime | None = maybe_moment()
    inspected_at: datetime | None = maybe_moment()
    differs: str = ""
    replacement_key: str = ""
    owner: str = ""
    asked_by: str = ""
    withdrawn_by: str = ""
    step_since: datetime = moment()
    due_at: datetime | None = maybe_moment()
    escalated: int = -1
    opened_at: datetime = moment()
    closed_at: datetime | None = maybe_moment()
    inbox_id: int | None = maybe_big()
    turn: int | None = Field(default=None, sa_column=Column(BigInteger, Computed(CASE_TURN, persisted=True)))


class CaseLineRow(SQLModel, table=True):
    """Units of an order line that a case is about; how many came back, good or not."""

    __tablename__ = "case_line"
    __table_args__ = (
        CheckConstraint("quantity > 0 AND good >= 0 AND damaged >= 0", name="quantity"),
        Index("ix_case_line_sku", "sku"),
    )

    case_no: str = Field(primary_key=True, foreign_key="after_sales_case.no")
    line_no: str = Field(primary_key=True)
    sku: str
    quantity: int
    good: int = 0
    damaged: int = 0
    granted: int = 0
    granted_minor: int = minor()


class CasePhotoRow(SQLModel, table=True):
    """One photo, sealed: it may show a person or a label. Kind: evidence, label, inspection.

    `reading` is what was read off a label: state '', waiting, read, unsure, unread; with its confidence in percent.
    """

    __tablename__ = "case_photo"
    __table_args__ = (UniqueConstraint("case_no", "sha256"),)

    id: int = serial()
    case_no: str = Field(foreign_key="after_sales_case.no")
    kind: str
    mime: str
    width: int
    height: int
    sha256: str
    body_sealed: bytes = sealed()
    taken_at: datetime = moment()
    actor: str
    reading: str = ""
    read_carrier: str = ""
    read_waybill_no: str = ""
    read_percent: int = 0
    read_by: str = ""


class ReturnReceiptRow(SQLModel, table=True):
    """Units that came back for a case, once per confirmation and line; grade as it was received or later inspected."""

    __tablename__ = "return_receipt"

    case_no: str = Field(primary_key=True, foreign_key="after_sales_case.no")
    confirm_id: str = Field(primary_key=True)
    line_no: str = Field(primary_key=True)
    sku: str = Field(primary_key=True)
    grade: str = Field(primary_key=True)
    quantity: int
    warehouse: str
    actor: str
    received_at: datetime = moment()
    inbox_id: int | None = maybe_big()


class InspectionRow(SQLModel, table=True):
    """What somebody found when they looked at returned units. `nonce` makes handing it in twice harmless."""

    __tablename__ = "inspection"
    __table_args__ = (
        UniqueConstraint("case_no", "nonce", "sku", "grade"),
        CheckConstraint("quantity > 0", name="quantity"),
    )

    id: int = serial()
    case_no: str = Field(foreign_key="after_sales_case.no")
    nonce: str
    sku: str
    grade: str
    quantity: int
    note: str = ""
    photo_id: int | None = maybe_big()
    actor: str
    at: datetime = moment()


class UnmatchedReturnRow(SQLModel, table=True):
    """Goods that came back and belong to no case yet. State: open, matched, kept. `lines`: sku, grade, quantity."""

    __tablename__ = "unmatched_return"
    __table_args__ = (
        UniqueConstraint("warehouse", "confirm_id"),
        Index("ix_unmatched_return_open", "received_at", postgresql_where=text("state = 'open'")),
        Index("ix_unmatched_return_waybill_no", "waybill_no"),
    )

    id: int = serial()
    warehouse: str
    confirm_id: str
    carrier: str = ""
    waybill_no: str = ""
    order_no: str = ""
    lines: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSONB, nullable=False)
    state: str = "open"
    case_no: str = ""
    note: str = ""
    received_at: datetime = moment()
    closed_at: datetime | None = maybe_moment()
    inbox_id: int | None = maybe_big()


class RefundGrantRow(SQLModel, table=True):
    """Money that was approved to go back for a case, once: `key` is grant:{case}:{n}. `parts`: the arithmetic shown."""

    __tablename__ = "refund_grant"
    __table_args__ = (
        UniqueConstraint("case_no"),
        CheckConstraint("amount_minor > 0", name="amount"),
        Index("ix_refund_grant_order_key", "order_key"),
    )

    key: str = Field(primary_key=True)
    case_no: str = Field(foreign_key="after_sales_case.no")
    order_key: str = Field(foreign_key="orders.key")
    amount_minor: int = Field(sa_type=BigInteger, nullable=False)
    freight_minor: int = minor()
    currency: str
    parts: dict[str, Any] = document()
    granted_by: str
    granted_at: datetime = moment()


class PayoutRow(SQLModel, table=True):
    """Money that moves, or moved, for a grant. `way`: provider (store/refunds.py), channel (its agree call), hand.

    State: wanted, paid, failed, or dropped when its channel ended the case. A failed one waits and tells; it is tried
    again under the same key.
    """

    __tablename__ = "payout"
    __table_args__ = (
        UniqueConstraint("grant_key"),
        Index("ix_payout_order_key", "order_key"),
        Index("ix_payout_case_no", "case_no"),
    )

    key: str = Field(primary_key=True)
    grant_key: str = Field(foreign_key="refund_grant.key")
    case_no: str = Field(foreign_key="after_sales_case.no")
    order_key: str = Field(foreign_key="orders.key")
    way: str
    vendor: str = ""
    account: str = ""
    amount_minor: int = Field(sa_type=BigInteger, nullable=False)
    currency: str
    state: str
    reason: str = ""
    reference: str = ""
    wanted_at: datetime = moment()
    paid_at: datetime | None = maybe_moment()


class ProcessEventRow(SQLModel, table=True):
    """An event on its way to the workflow of a case or an exception (`process`: its workflow id), at least once."""

    __tablename__ = "process_event"
    __table_args__ = (
        Index("ix_process_event_new", "id", postgresql_where=text("delivered_at IS NULL")),
        Index("ix_process_event_process", "process"),
    )

    id: int = serial()
    process: str
    order_key: str
    event: str
    created_at: datetime = moment()
    claimed_until: datetime | None = maybe_moment()
    attempts: int = 0
    delivered_at: datetime | None = maybe_moment()
    result: str = ""
    trace: str = ""
