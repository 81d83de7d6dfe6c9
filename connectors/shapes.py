"""Shapes that several platforms' answers share: lenient objects, ids, amounts and times. Knows no vendor's format."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from connectors import fields
from domain.errors import Broken
from domain.shops import Shop

EARLIEST_SECOND, LATEST_SECOND = 946_684_800, 4_102_444_800
MAX_QUANTITY, MAX_LINES, MAX_WORDS, MAX_TITLE = 9_999, 200, 2_000, 500


class Lenient(BaseModel):
    """Numbers where texts are documented, nulls where nothing is known: both are common. Unknown fields may come."""

    model_config = ConfigDict(coerce_numbers_to_str=True, frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {
            name: fields.storable(one).strip() if isinstance(one, str) else one
            for name, one in value.items()
            if one is not None
        }


def _read_yuan(value: object) -> int:
    # A list or a truth value becomes a text that is no amount, and is told as such.
    try:
        fen = fields.yuan(str(value))
    except ValueError as error:
        raise PydanticCustomError("explained", "{text}", {"text": f"is {error}"}) from error
    if fen < 0:
        raise PydanticCustomError("explained", "{text}", {"text": "is negative"})
    return fen


Id = Annotated[str, Field(pattern=r"^[0-9A-Za-z_-]{1,64}$")]
Code = Annotated[str, Field(pattern=r"^[0-9A-Za-z_-]{0,64}$")]
Fen = Annotated[int, Field(ge=0, le=fields.MAX_AMOUNT_MINOR)]
Yuan = Annotated[int, PlainValidator(_read_yuan)]
"""Yuan as fen, zero or more."""
Units = Annotated[int, Field(ge=1, le=MAX_QUANTITY)]
Total = Annotated[int, Field(ge=0)]
Millis = Annotated[int, Field(ge=EARLIEST_SECOND * 1000, le=LATEST_SECOND * 1000)]
MaybeMillis = Annotated[int, Field(ge=0, le=LATEST_SECOND * 1000)]
"""0: it has not happened."""

M = TypeVar("M", bound=Lenient)


def from_millis(millis: int) -> datetime:
    """Read Unix milliseconds; aware UTC."""
    return datetime.fromtimestamp(millis / 1000, UTC)


def to_millis(moment: datetime) -> int:
    """Write Unix milliseconds."""
    return int(moment.timestamp() * 1000)


def believable_millis(value: object) -> datetime | None:
    """Read Unix milliseconds of an object that could not be read whole; None when it is no such number."""
    known = isinstance(value, int) and EARLIEST_SECOND * 1000 <= value <= LATEST_SECOND * 1000
    return from_millis(int(str(value))) if known else None


def checked(shape: type[M], told: object, about: str) -> M:
    """Read what a platform told; Broken names `about` and the fields that are wrong."""
    try:
        return shape.model_validate(told)
    except ValidationError as error:
        raise Broken(f"{about}: {fields.explain(error)}") from error


def page_of(cursor: str, most: int, vendor: str) -> int:
    """Read a page's number out of our own cursor; Broken when it is none, so that the window begins anew."""
    number = int(cursor) if len(cursor) < 9 and cursor.isascii() and cursor.isdigit() else -1
    if not 0 <= number <= most:
        raise Broken(f"the cursor of a {vendor} pull is no page up to {most}: begin the window anew")
    return number


def pairs(shop: Shop, name: str, example: str) -> Mapping[str, str]:
    """Read `OURS=THEIRS,OURS=THEIRS` out of a shop's param; Broken says how it is written."""
    found = [pair.strip().partition("=") for pair in shop.params.get(name, "").split(",") if pair.strip()]
    if any(not ours.strip() or not theirs.strip() for ours, _, theirs in found):
        raise Broken(f"shop {shop.code} ({shop.vendor}): {name} is not like {example}: mend it")
    return {ours.strip(): theirs.strip() for ours, _, theirs in found}
