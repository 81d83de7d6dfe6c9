"""Units on their way: transfers between places, inbound shipments, and what was received of either."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from store.tables.columns import maybe_big, maybe_moment, moment, serial


class Transfer(SQLModel, table=True):
    """Units from one place to another (调拨). State: approval, approved, shipped, received, closed, refused, cancelled.

    `batch` is the request that it came with, its own number when it came alone. Held units are allocations under its
    number from the approval on. Closed: its document was exported for the ERP.
    """

    __table_args__ = (Index("ix_transfer_batch", "batch"), Index("ix_transfer_asked_at", "asked_at"))

    no: str = Field(primary_key=True)
    batch: str
    source: str
    target: str
    state: str
    reason: str = ""
    asked_by: str
    approval_no: str = ""
    asked_at: datetime = moment()
    approved_at: datetime | None = maybe_moment()
    shipped_at: datetime | None = maybe_moment()
    received_at: datetime | None = maybe_moment()
    closed_at: datetime | None = maybe_moment()


class TransferLine(SQLModel, table=True):
    """One SKU of a transfer; in transit is what was shipped and neither received nor written off."""

    __tablename__ = "transfer_line"
    __table_args__ = (
        CheckConstraint("quantity > 0 AND shipped >= 0 AND shipped <= quantity AND received >= 0", name="quantity"),
        Index("ix_transfer_line_sku", "sku"),
    )

    transfer_no: str = Field(primary_key=True, foreign_key="transfer.no")
    sku: str = Field(primary_key=True)
    quantity: int
    shipped: int = 0
    received: int = 0


class Inbound(SQLModel, table=True):
    """One shipment of a supplier towards a warehouse (INV-13)."""

    __table_args__ = (Index("ix_inbound_open", "eta", postgresql_where=text("received_at IS NULL")),)

    no: str = Field(primary_key=True)
    supplier: str
    warehouse: str
    eta: datetime = moment()
    stage: str
    owner: str = ""
    overseas: bool = False
    customs_no: str = ""
    created_by: str
    created_at: datetime = moment()
    received_at: datetime | None = maybe_moment()


class InboundLine(SQLModel, table=True):
    """One SKU of an inbound shipment; more may be received than was ordered, and is told."""

    __tablename__ = "inbound_line"
    __table_args__ = (
        CheckConstraint("quantity > 0 AND received >= 0", name="quantity"),
        Index("ix_inbound_line_sku", "sku"),
    )

    inbound_no: str = Field(primary_key=True, foreign_key="inbound.no")
    sku: str = Field(primary_key=True)
    quantity: int
    received: int = 0


class InboundStage(SQLModel, table=True):
    """A stage that an inbound shipment has reached, and who answered for it from then on."""

    __tablename__ = "inbound_stage"

    id: int = serial()
    inbound_no: str = Field(foreign_key="inbound.no", index=True)
    at: datetime = moment()
    stage: str
    owner: str
    actor: str


class Receipt(SQLModel, table=True):
    """Units received under one confirmation, once: `entry_no` is a transfer or an inbound shipment of ours."""

    __table_args__ = (CheckConstraint("quantity > 0", name="quantity"),)

    entry_no: str = Field(primary_key=True)
    confirm_id: str = Field(primary_key=True)
    line_no: str = Field(primary_key=True)
    sku: str = Field(primary_key=True)
    grade: str = Field(primary_key=True)
    quantity: int
    actor: str
    received_at: datetime = moment()
    inbox_id: int | None = maybe_big()
