"""The running audit of stock: its looks, what they have summed up, and the drift that was seen once."""

from datetime import datetime

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from store.tables.columns import moment, serial


class StockAudit(SQLModel, table=True):
    """One look of the audit: SKUs checked, those that differ, those repaired, orders whose holds were freed.

    `lines_to` and `moves_to` are the last ids of ledger and movements that `stock_balance` holds.
    """

    __tablename__ = "stock_audit"

    id: int = serial()
    at: datetime = moment(index=True)
    checked: int = 0
    drifted: int = 0
    repaired: int = 0
    orders: int = 0
    lines_to: int = Field(default=0, sa_type=BigInteger)
    moves_to: int = Field(default=0, sa_type=BigInteger)


class StockBalance(SQLModel, table=True):
    """The sums of a SKU's ledger lines and movements (`moved`) up to the ids that the newest look names."""

    __tablename__ = "stock_balance"

    sku: str = Field(primary_key=True)
    on_hand: int = 0
    reserved: int = 0
    allocated: int = 0
    pooled: int = 0
    moved: int = 0


class StockDrift(SQLModel, table=True):
    """What one look found wrong; believed, and mended, when the next finds it again. Kind: sku, or order."""

    __tablename__ = "stock_drift"

    kind: str = Field(primary_key=True)
    subject: str = Field(primary_key=True)
    words: str = ""
    first_at: datetime = moment()
