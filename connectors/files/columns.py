"""Which column of a file holds what: our names on the left, the file's on the right (docs/importing.md).

Owns the shape of a column map, its check against a header, and the one map we ship: the Tmall order export.
"""

from datetime import UTC, datetime
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from connectors import fields
from connectors.files.table import DELIMITERS
from domain.errors import BadInput
from domain.observations import ChannelStatus

SAMPLE = datetime(2026, 11, 22, 21, 30, 5, tzinfo=UTC)
"""Shows whether a format can say a moment: it has to come back, its seconds aside."""


def _wrong(words: str) -> PydanticCustomError:
    return PydanticCustomError("explained", "{text}", {"text": words})


def _zone(value: object) -> str:
    try:
        return ZoneInfo(str(value)).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise _wrong("is no time zone: write one such as Asia/Shanghai") from None


def read_moment(text: str, time_format: str, zone: ZoneInfo) -> datetime:
    """Read a time by a format; its own offset (%z) counts before the file's zone. ValueError when it is none."""
    if "%z" in time_format:
        return datetime.strptime(text, time_format).astimezone(zone)
    return datetime.strptime(text, time_format).replace(tzinfo=zone)


def _time_format(value: object) -> str:
    words = str(value)
    try:
        known = read_moment(SAMPLE.strftime(words), words, ZoneInfo("UTC"))
    except ValueError:
        known = None
    if known is None or known.replace(second=0) != SAMPLE.replace(second=0):
        raise _wrong("cannot say a date and a time: write one such as %Y-%m-%d %H:%M:%S")
    return words


Name = Annotated[str, Field(min_length=1, max_length=200)]


class Columns(BaseModel):
    """The file's name of each column that we read; empty where it has none."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    no: Name
    total: Name
    placed_at: Name
    paid_at: Name
    paid: str = ""
    paid_net: str = ""
    refunded: str = ""
    address: str = ""
    province: str = ""
    city: str = ""
    district: str = ""
    name: str = ""
    phone: str = ""
    sku: str = ""
    title: str = ""
    quantity: str = ""
    status: str = ""
    currency: str = ""
    buyer_id: str = ""
    remark: str = ""

    @model_validator(mode="after")
    def one_paid(self) -> Self:
        """Want either what was paid, or what is left of it after refunds."""
        if bool(self.paid) is bool(self.paid_net):
            raise _wrong("needs paid (before refunds) or paid_net (what is left after them), not both")
        if self.paid_net and not self.refunded:
            raise _wrong("needs refunded beside paid_net: without it nobody knows what was paid")
        return self

    def named(self) -> dict[str, str]:
        """Give our name and the file's, of the columns that the file has."""
        return {ours: theirs for ours, theirs in self if theirs}


class ColumnMap(BaseModel):
    """How to read one kind of export."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    columns: Columns
    unit: Literal["yuan", "fen"] = "yuan"
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] = "CNY"
    zone: Annotated[str, PlainValidator(_zone)] = "Asia/Shanghai"
    time_format: Annotated[str, PlainValidator(_time_format)] = "%Y-%m-%d %H:%M:%S"
    delimiter: Literal[",", ";", "\t"] = ","
    statuses: dict[str, Literal["unpaid", "paid", "shipped", "signed", "completed", "cancelled", "refunded"]] = {}

    @model_validator(mode="after")
    def statuses_for_a_column(self) -> Self:
        """Want a meaning for the status column, and a column for meanings."""
        if bool(self.statuses) is not bool(self.columns.status):
            raise _wrong("columns.status and statuses belong together: name both or none")
        return self

    def meaning(self, raw: str) -> ChannelStatus | None:
        """Look up one word of the status column."""
        return ChannelStatus(self.statuses[raw]) if raw in self.statuses else None


TMALL = ColumnMap(
    columns=Columns(
        no="订单编号",
        total="总金额",
        paid_net="买家实际支付金额",
        refunded="退款金额",
        address="收货地址",
        placed_at="订单创建时间",
        paid_at="订单付款时间",
    )
)
"""The Tmall order export: Beijing time, yuan, what was paid is net of refunds."""


def read_map(raw: bytes) -> ColumnMap:
    """Read a column map from JSON; BadInput names every field that is wrong and what to write."""
    try:
        return ColumnMap.model_validate_json(raw)
    except ValidationError as error:
        raise BadInput(f"the column map cannot be used: {fields.explain(error)}") from None


def positions(columns: Columns, header: tuple[str, ...], delimiter: str) -> dict[str, int]:
    """Find our columns in a header; BadInput names every one that is missing and what is there instead."""
    named = columns.named()
    missing = [theirs for theirs in named.values() if theirs not in header]
    if missing:
        alone = f" Is the delimiter a {DELIMITERS[delimiter]}?" if len(header) == 1 else ""
        raise BadInput(f"line 1: column {', '.join(missing)} is missing; the file has {len(header)} columns.{alone}")
    return {ours: header.index(theirs) for ours, theirs in named.items()}
