"""Which orders an own shop has, by when they were placed (docs/own-shop-api.md). Owns the address and the answer."""

from datetime import datetime
from typing import Annotated
from urllib.parse import urlencode

from pydantic import Field, ValidationError

from connectors import fields
from connectors.platforms.own_orders import Strict
from domain.errors import Broken
from domain.pulling import Roll, Rolled, RollRules, Window
from domain.shops import Shop

ROLL_URL = "roll_url"
RULES = RollRules(longest_seconds=86_400.0)
PAGE_SIZE, MAX_PAGES = 1_000, 10_000


class _Row(Strict):
    no: Annotated[str, Field(min_length=1, max_length=64)]
    status: Annotated[str, Field(max_length=32)]
    placed_at: str

    def rolled(self) -> Rolled:
        """Read the time; ValueError says what is wrong with it."""
        return Rolled(self.no, self.status, fields.offset_time(self.placed_at))


class _Page(Strict):
    orders: Annotated[tuple[_Row, ...], Field(max_length=PAGE_SIZE)]
    pages: Annotated[int, Field(ge=0, le=MAX_PAGES)]
    total: Annotated[int, Field(ge=0)]


def page_url(shop: Shop, window: Window, cursor: str) -> tuple[str, str]:
    """Give the event id and the address of one page."""
    asked = {
        "placed_from": _iso(window.start, shop),
        "placed_to": _iso(window.end, shop),
        "page": cursor or "1",
    }
    return f"roll:{':'.join(asked.values())}", f"{fields.param(shop, ROLL_URL)}?{urlencode(asked)}"


def read_page(body: bytes, cursor: str, event_id: str) -> Roll:
    """Read one page; Broken when it is none."""
    try:
        told = _Page.model_validate_json(body)
        rolled = tuple(row.rolled() for row in told.orders)
    except ValidationError as error:
        raise Broken(f"own about {event_id}: {fields.explain(error)}") from error
    except ValueError as error:
        raise Broken(f"own about {event_id}: placed_at is {error}") from error
    page = int(cursor or 1)
    return Roll(rolled, told.total, body, str(page + 1) if page < told.pages else "")


def _iso(at: datetime, shop: Shop) -> str:
    return at.astimezone(shop.tz).isoformat()
