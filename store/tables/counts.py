"""Counts against warehouse systems, what they found, what came of it; and the daily turnover."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from store.tables.columns import maybe_big, maybe_moment, moment


class StockCount(SQLModel, table=True):
    """One count of one warehouse. `scope`: all, or reported (what the warehouse told of); figures in SKUs."""

    __tablename__ = "stock_count"
    __table_args__ = (
        Index("ix_stock_count_open", "warehouse", "scope", unique=True, postgresql_where=text("ended_at IS NULL")),
        Index("ix_stock_count_begun_at", "begun_at"),
    )

    no: str = Field(primary_key=True)
    warehouse: str
    scope: str
    asked_by: str
    begun_at: datetime = moment()
    ended_at: datetime | None = maybe_moment()
    agreed: int = 0
    differing: int = 0
    unsettled: int = 0
    failed: str = ""


class CountLine(SQLModel, table=True):
    """One SKU and grade of a count: units here and there, at the first look and, where they differed, the second."""

    __tablename__ = "count_line"
    __table_args__ = (
        Index("ix_count_line_open", "count_no", "sku", postgresql_where=text("verdict <> 'agrees'")),
        Index("ix_count_line_sku", "sku", "looked_at"),
    )

    count_no: str = Field(primary_key=True, foreign_key="stock_count.no")
    sku: str = Field(primary_key=True)
    grade: str = Field(primary_key=True)
    ours: int
    theirs: int
    first_difference: int
    verdict: str
    reason: str = ""
    looked_at: datetime = moment()
    settled_at: datetime | None = maybe_moment()


class Adjustment(SQLModel, table=True):
    """Units by which our number of a SKU and grade shall change. State: waiting, booked, blocked, refused, superseded.

    Blocked: approved, but so many units are promised that it would leave orders short; tried again until it fits.
    """

    __table_args__ = (
        CheckConstraint("units <> 0", name="units"),
        Index(
            "ix_adjustment_open",
            *("warehouse", "sku", "grade"),
            unique=True,
            postgresql_where=text("state IN ('waiting', 'blocked')"),
        ),
        Index("ix_adjustment_count_no", "count_no"),
    )

    no: str = Field(primary_key=True)
    warehouse: str
    sku: str
    grade: str
    units: int
    count_no: str = Field(foreign_key="stock_count.no")
    state: str
    reason: str = ""
    approval_no: str = ""
    opened_at: datetime = moment()
    closed_at: datetime | None = maybe_moment()


class StockReport(SQLModel, table=True):
    """What a warehouse told of a change by itself: evidence, and the reason to count the SKU again; never booked."""

    __tablename__ = "stock_report"
    __table_args__ = (Index("ix_stock_report_new", "warehouse", postgresql_where=text("count_no = ''")),)

    warehouse: str = Field(primary_key=True)
    report_id: str = Field(primary_key=True)
    sku: str = Field(primary_key=True)
    grade: str = Field(primary_key=True)
    kind: str
    document_no: str = ""
    quantity: int
    reported_at: datetime = moment()
    count_no: str = ""
    inbox_id: int | None = maybe_big()


class TurnoverDay(SQLModel, table=True):
    """How one SKU stood on one day (INV-9); units, days."""

    __tablename__ = "turnover_day"

    day: date = Field(primary_key=True)
    sku: str = Field(primary_key=True)
    on_hand: int
    sold_7: int
    sold_30: int
    age_days: int | None = None
