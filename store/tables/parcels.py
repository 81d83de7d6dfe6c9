"""Fulfilment orders, what warehouses confirmed, parcels and their traces."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from store.tables.columns import UTC, maybe_big, maybe_moment, maybe_sealed, moment


class Fulfillment(SQLModel, table=True):
    """What one warehouse is asked to ship. State: planned, pushed, shipped, cancelled."""

    __table_args__ = (
        Index("ix_fulfillment_order_key", "order_key"),
        Index("ix_fulfillment_planned", "warehouse", postgresql_where=text("state = 'planned'")),
        Index("ix_fulfillment_pushed", "pushed_at", postgresql_where=text("state = 'pushed'")),
    )

    no: str = Field(primary_key=True)
    order_key: str = Field(foreign_key="orders.key")
    warehouse: str
    carrier: str
    state: str
    stage: str = ""
    wms_ref: str = ""
    created_at: datetime = moment()
    sent_at: datetime | None = maybe_moment()
    pushed_at: datetime | None = maybe_moment()
    asked_at: datetime | None = maybe_moment()
    cancelled_at: datetime | None = maybe_moment()
    shipped_at: datetime | None = maybe_moment()


class ShipmentConfirm(SQLModel, table=True):
    """One confirmation by the warehouse; `bare` names no items, `booked_at` is set when its units left the house."""

    __tablename__ = "shipment_confirm"

    fulfillment_no: str = Field(primary_key=True, foreign_key="fulfillment.no")
    confirm_id: str = Field(primary_key=True)
    final: bool
    bare: bool = False
    confirmed_at: datetime = moment()
    booked_at: datetime | None = maybe_moment()
    inbox_id: int | None = maybe_big()


class Parcel(SQLModel, table=True):
    """One box with one waybill."""

    __table_args__ = (
        Index("ix_parcel_order_key", "order_key"),
        Index("ix_parcel_fulfillment_no", "fulfillment_no"),
        Index("ix_parcel_waybill_no", "waybill_no"),
        Index("ix_parcel_query", "next_query_at", postgresql_where=text("signed_at IS NULL")),
    )

    carrier: str = Field(primary_key=True)
    waybill_no: str = Field(primary_key=True)
    fulfillment_no: str = Field(foreign_key="fulfillment.no")
    order_key: str = Field(foreign_key="orders.key")
    confirm_id: str
    weight_kg: str = ""
    items: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSONB, nullable=False)
    state: str
    raw_state: str = ""
    raw_substate: str = ""
    shipped_at: datetime = moment()
    subscribed_at: datetime | None = maybe_moment()
    signed_at: datetime | None = maybe_moment()
    heard_at: datetime | None = maybe_moment()
    next_query_at: datetime = moment()
    inbox_id: int | None = maybe_big()


class TraceRow(SQLModel, table=True):
    """One courier scan; the text is sealed, for couriers write names and phones into it."""

    __tablename__ = "trace"

    carrier: str = Field(primary_key=True)
    waybill_no: str = Field(primary_key=True)
    at: datetime = Field(sa_type=UTC, primary_key=True)
    text_index: str = Field(primary_key=True)
    text_sealed: bytes | None = maybe_sealed()
    location: str = ""
    raw_code: str = ""
    inbox_id: int | None = maybe_big()


class ProcessReport(SQLModel, table=True):
    """One step inside the warehouse."""

    __tablename__ = "process_report"

    fulfillment_no: str = Field(primary_key=True, foreign_key="fulfillment.no")
    stage: str = Field(primary_key=True)
    reported_at: datetime = Field(sa_type=UTC, primary_key=True)
    operator: str = ""
    inbox_id: int | None = maybe_big()
