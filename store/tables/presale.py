"""Presale (预售): what suppliers will bring, and who waits for it (INV-4). Never part of what is on hand."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from store.tables.columns import maybe_moment, moment


class PresaleSupply(SQLModel, table=True):
    """One dated batch of a SKU. State: expected, late, arrived, closed (domain/presale.py).

    `first_due_on` is what the supplier said first; `arrived` of `quantity` units have come.
    """

    __tablename__ = "presale_supply"
    __table_args__ = (
        CheckConstraint("quantity > 0 AND arrived >= 0 AND arrived <= quantity", name="quantity"),
        Index("ix_presale_supply_coming", "sku", "due_on", postgresql_where=text("state IN ('expected', 'late')")),
    )

    code: str = Field(primary_key=True)
    sku: str = Field(foreign_key="sku_stock.sku")
    quantity: int
    arrived: int = 0
    supplier: str = ""
    due_on: datetime = moment()
    first_due_on: datetime = moment()
    state: str = "expected"
    reason: str = ""
    created_at: datetime = moment()


class PresaleHold(SQLModel, table=True):
    """Units of one order line that are still to come, and until when its order was promised to leave.

    `converted` of them have arrived and are an ordinary reservation now. State: open, converted (all of them),
    released. `news`: converted or delayed, while the order does not know it yet (store/presale_news.py).
    """

    __tablename__ = "presale_hold"
    __table_args__ = (
        CheckConstraint("quantity > 0 AND converted >= 0 AND converted <= quantity", name="quantity"),
        Index("ix_presale_hold_open", "sku", postgresql_where=text("state = 'open'")),
        Index("ix_presale_hold_news", "order_key", postgresql_where=text("news <> ''")),
    )

    order_key: str = Field(primary_key=True, foreign_key="orders.key")
    line_no: str = Field(primary_key=True)
    sku: str = Field(primary_key=True)
    supply: str = Field(foreign_key="presale_supply.code", index=True)
    quantity: int
    converted: int = 0
    state: str
    news: str = ""
    promised_at: datetime = moment()
    first_promised_at: datetime = moment()
    expires_at: datetime = moment()
    created_at: datetime = moment()
    ended_at: datetime | None = maybe_moment()
