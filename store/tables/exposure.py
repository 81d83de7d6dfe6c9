"""What shops are shown of stock beside the counters: safety stock, and what live channels are shown less of."""

from datetime import datetime

from sqlalchemy import CheckConstraint
from sqlmodel import Field, SQLModel

from store.tables.columns import moment


class SafetyStock(SQLModel, table=True):
    """Units of a SKU that a channel does not see (INV-5); an empty channel is every channel that is not core."""

    __tablename__ = "safety_stock"
    __table_args__ = (CheckConstraint("units >= 0", name="units"),)

    sku: str = Field(primary_key=True)
    channel: str = Field(primary_key=True, default="")
    units: int
    updated_at: datetime = moment()


class LoweredExposure(SQLModel, table=True):
    """A SKU that live channels are shown less of, remembered until clearly less of it waits to be shipped (INV-8)."""

    __tablename__ = "lowered_exposure"

    sku: str = Field(primary_key=True)
    since: datetime = moment()
