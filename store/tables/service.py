"""Service: exceptions of orders, claims, red-letter drafts, changes of what is receivable, tickets and their log."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from store.tables.columns import maybe_big, maybe_moment, maybe_sealed, minor, moment, sealed, serial


class OrderExceptionRow(SQLModel, table=True):
    """One exception of an order; its words are domain/exceptions.py's. `turn` counts how often it was opened again.

    `clock_since` is when its ladder began, `escalated` the highest rung that was climbed in this state, -1 for none.
    """

    __tablename__ = "order_exception"
    __table_args__ = (
        UniqueConstraint("request_key"),
        Index("ix_order_exception_order_key", "order_key"),
        Index("ix_order_exception_due", "due_at", "no", postgresql_where=text("closed_at IS NULL")),
        Index("ix_order_exception_opened_at", "opened_at"),
    )

    no: str = Field(primary_key=True)
    order_key: str = Field(foreign_key="orders.key")
    kind: str
    responsible: str
    compensation: str
    state: str
    request_key: str
    words_sealed: bytes | None = maybe_sealed()
    amount_minor: int | None = Field(default=None, sa_type=BigInteger, nullable=True)
    currency: str
    gift_sku: str = ""
    case_no: str = ""
    replacement_key: str = ""
    ticket_no: str = ""
    owner: str = ""
    opened_by: str
    done: str = ""
    turn: int = 0
    clock_since: datetime = moment()
    due_at: datetime | None = maybe_moment()
    escalated: int = -1
    opened_at: datetime = moment()
    handled_at: datetime | None = maybe_moment()
    closed_at: datetime | None = maybe_moment()


class ExceptionLineRow(SQLModel, table=True):
    """Units of an order line that an exception is about."""

    __tablename__ = "exception_line"
    __table_args__ = (CheckConstraint("quantity > 0", name="quantity"),)

    exception_no: str = Field(primary_key=True, foreign_key="order_exception.no")
    line_no: str = Field(primary_key=True)
    sku: str
    quantity: int


class ClaimRow(SQLModel, table=True):
    """A claim against a courier or a supplier for one exception. State: open, handed_in, won, lost."""

    __tablename__ = "claim"
    __table_args__ = (UniqueConstraint("exception_no"), Index("ix_claim_order_key", "order_key"))

    no: str = Field(primary_key=True)
    exception_no: str = Field(foreign_key="order_exception.no")
    order_key: str = Field(foreign_key="orders.key")
    against: str
    party: str = ""
    asked_minor: int = minor()
    won_minor: int = minor()
    currency: str
    state: str
    reason: str = ""
    actor: str
    opened_at: datetime = moment()
    handed_in_at: datetime | None = maybe_moment()
    ended_at: datetime | None = maybe_moment()


class RedLetterDraftRow(SQLModel, table=True):
    """A red-letter invoice to be drafted for a refund. State: no_invoice, wanted, drafted, refused, confirmed."""

    __tablename__ = "red_letter_draft"
    __table_args__ = (UniqueConstraint("exception_no"), Index("ix_red_letter_draft_order_key", "order_key"))

    key: str = Field(primary_key=True)
    exception_no: str = Field(foreign_key="order_exception.no")
    order_key: str = Field(foreign_key="orders.key")
    amount_minor: int = Field(sa_type=BigInteger, nullable=False)
    currency: str
    state: str
    reason: str = ""
    blue_invoice_no: str = ""
    lines: list[list[Any]] = Field(default_factory=list, sa_type=JSONB, nullable=False)
    vendor: str = ""
    account: str = ""
    bill_no: str = ""
    made_at: datetime = moment()
    drafted_at: datetime | None = maybe_moment()
    confirmed_at: datetime | None = maybe_moment()
    confirmed_by: str = ""


class ReceivableChangeRow(SQLModel, table=True):
    """What a compensation changes in what is receivable for an order, for finance and ERP.

    `export_no` names the export that posted it, at `posted_at`; empty until then.
    """

    __tablename__ = "receivable_change"
    __table_args__ = (
        UniqueConstraint("key"),
        Index("ix_receivable_change_order_key", "order_key"),
        Index("ix_receivable_change_unposted", "id", postgresql_where=text("posted_at IS NULL")),
        Index("ix_receivable_change_export_no", "export_no", "id", postgresql_where=text("export_no <> ''")),
    )

    id: int = serial()
    key: str
    order_key: str = Field(foreign_key="orders.key")
    amount_minor: int = Field(sa_type=BigInteger, nullable=False)
    currency: str
    reason: str
    source: str
    at: datetime = moment()
    posted_at: datetime | None = maybe_moment()
    export_no: str = ""


class ReceivableExportRow(SQLModel, table=True):
    """One export of receivable changes, made once for a request; its file is written anew from its changes."""

    __tablename__ = "receivable_export"
    __table_args__ = (UniqueConstraint("request_key"),)

    no: str = Field(primary_key=True)
    request_key: str
    changes: int
    actor: str
    at: datetime = moment()


class TicketRow(SQLModel, table=True):
    """One complaint, reminder (催单) or question. State: new, answered, closed.

    `buyer_index` is the order's: what was said to the same customer before is found by it. `named_order` is an order's
    number as it was told, which may be unknown here; `case_no` the after-sales case that it is about.
    """

    __tablename__ = "ticket"
    __table_args__ = (
        UniqueConstraint("request_key"),
        Index("ix_ticket_due", "due_at", "no", postgresql_where=text("closed_at IS NULL")),
        Index("ix_ticket_order_key", "order_key", postgresql_where=text("order_key <> ''")),
        Index("ix_ticket_buyer_index", "buyer_index", postgresql_where=text("buyer_index <> ''")),
        Index("ix_ticket_opened_at", "opened_at"),
    )

    no: str = Field(primary_key=True)
    kind: str
    source: str
    state: str
    order_key: str = ""
    buyer_index: str = ""
    request_key: str
    exception_no: str = ""
    named_order: str = ""
    case_no: str = ""
    owner: str = ""
    opened_by: str
    turn: int = 0
    clock_since: datetime = moment()
    due_at: datetime | None = maybe_moment()
    escalated: int = -1
    opened_at: datetime = moment()
    answered_at: datetime | None = maybe_moment()
    closed_at: datetime | None = maybe_moment()


class TicketEntryRow(SQLModel, table=True):
    """One line of a ticket's log, its words sealed: people write names there. Kind: asked, answer, note, moved.

    `nonce` names the message or the press that wrote it; `beside_sealed` is what came with a message
    (domain/tickets.py).
    """

    __tablename__ = "ticket_entry"
    __table_args__ = (
        Index("ix_ticket_entry_ticket_no", "ticket_no"),
        Index("ix_ticket_entry_nonce", "nonce", postgresql_where=text("nonce <> ''")),
    )

    id: int = serial()
    ticket_no: str = Field(foreign_key="ticket.no")
    nonce: str = ""
    kind: str
    actor: str
    words_sealed: bytes = sealed()
    beside_sealed: bytes | None = maybe_sealed()
    inbox_id: int | None = maybe_big()
    at: datetime = moment()


class MailboxRow(SQLModel, table=True):
    """How far a mail account is read: the last letter by its number, which counts while `uid_validity` stays."""

    __tablename__ = "mailbox"

    vendor: str = Field(primary_key=True)
    shop: str = Field(primary_key=True)
    uid_validity: int = Field(default=0, sa_type=BigInteger, nullable=False)
    last_uid: int = Field(default=0, sa_type=BigInteger, nullable=False)
    asked_at: datetime | None = maybe_moment()
    read_at: datetime | None = maybe_moment()
    failures: int = 0
    reason: str = ""


class MacroRow(SQLModel, table=True):
    """A text that is answered often, with {placeholders} that an order's facts fill."""

    __tablename__ = "macro"

    code: str = Field(primary_key=True)
    title: str
    text: str
    changed_by: str
    changed_at: datetime = moment()
