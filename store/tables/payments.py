"""Money at payment providers: what buyers paid, and what goes back to them."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from store.tables.columns import maybe_big, maybe_moment, minor, moment


class Payment(SQLModel, table=True):
    """One payment by its provider's number. State: taken (it is what was due), differs, again (a second one).

    `back_minor` is what goes back or went back of it: the sum of its refunds that were not dropped.
    """

    __table_args__ = (
        CheckConstraint("back_minor BETWEEN 0 AND amount_minor", name="never_more_than_paid"),
        Index("ix_payment_order_key", "order_key"),
        Index("uq_payment_taken", "order_key", unique=True, postgresql_where=text("state = 'taken'")),
    )

    provider: str = Field(primary_key=True)
    transaction_id: str = Field(primary_key=True)
    account: str
    order_key: str = Field(foreign_key="orders.key")
    amount_minor: int = Field(sa_type=BigInteger, nullable=False)
    back_minor: int = minor()
    currency: str
    state: str
    paid_at: datetime = moment()
    heard_at: datetime = moment()
    inbox_id: int | None = maybe_big()


class Refund(SQLModel, table=True):
    """One refund; `no` is its number at the provider, `key` the same for us. State: wanted, sent, succeeded, failed.

    Or dropped: the channel had paid it back before it was sent. `case_no`: the after-sales case it is the payout of.
    """

    __table_args__ = (
        UniqueConstraint("no"),
        CheckConstraint("amount_minor > 0", name="amount"),
        ForeignKeyConstraint(
            ["provider", "transaction_id"],
            ["payment.provider", "payment.transaction_id"],
            name="fk_refund_payment",
        ),
        Index("ix_refund_order_key", "order_key"),
        Index("ix_refund_case_no", "case_no"),
    )

    key: str = Field(primary_key=True)
    no: str
    order_key: str = Field(foreign_key="orders.key")
    provider: str
    transaction_id: str
    amount_minor: int = Field(sa_type=BigInteger, nullable=False)
    state: str
    provider_refund_id: str = ""
    reason: str = ""
    case_no: str = ""
    wanted_at: datetime = moment()
    sent_at: datetime | None = maybe_moment()
    succeeded_at: datetime | None = maybe_moment()
    inbox_id: int | None = maybe_big()
