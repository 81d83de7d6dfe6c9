"""Parcels in which buyers send goods back. Apart from `parcel`: nobody of ours shipped them."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from store.tables.columns import maybe_moment, moment


class ReturnParcelRow(SQLModel, table=True):
    """One parcel of a case. `traces`: moment and place of each scan; a courier's words may name people, so none."""

    __tablename__ = "return_parcel"
    __table_args__ = (
        Index("ix_return_parcel_case_no", "case_no"),
        Index("ix_return_parcel_next_query_at", "next_query_at", postgresql_where=text("signed_at IS NULL")),
    )

    carrier: str = Field(primary_key=True)
    waybill_no: str = Field(primary_key=True)
    case_no: str = Field(foreign_key="after_sales_case.no")
    order_key: str
    state: str = ""
    location: str = ""
    traces: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSONB, nullable=False)
    noted_at: datetime = moment()
    subscribed_at: datetime | None = maybe_moment()
    heard_at: datetime | None = maybe_moment()
    signed_at: datetime | None = maybe_moment()
    next_query_at: datetime = moment()
