"""The older list of Amazon's orders (v0), for an application that may not use the newer one yet: of it only hints.

It is asked three times as often as the newer one may be, and goes away in March 2027. A row says which order changed;
the order itself is asked for by the newer interface. Rows that Amazon ships itself, and those without prices because
nobody has paid yet, say nothing. A time of the list that cannot be believed is that of the window's end.
"""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, ValidationError

from connectors import fields
from connectors.platforms.amazon_orders import CHANNEL
from connectors.shapes import Id, Lenient
from domain.errors import Broken
from domain.observations import ChannelStatus, OrderHinted
from domain.pulling import Page, Window
from domain.shops import Shop

LIST = "/orders/v0/orders"
PARAM, OLD = "list_api", "v0"
PAGE_SIZE = 100
BY_SELLER, BY_AMAZON = "MFN", "AFN"

_S = ChannelStatus
STATUSES: Mapping[str, ChannelStatus | None] = {
    "Pending": None,
    "PendingAvailability": None,
    "Unshipped": _S.PAID,
    "PartiallyShipped": _S.PAID,
    # Paid, but it may not leave yet: the order itself tells.
    "InvoiceUnconfirmed": _S.UNMAPPED,
    "Shipped": _S.SHIPPED,
    "Canceled": _S.CANCELLED,
    "Unfulfillable": _S.CANCELLED,
}
"""What the list's words say of an order; None: there is no order to ask for yet. Of other words the order tells."""


class _Row(Lenient):
    no: Id = Field(alias="AmazonOrderId")
    status: str = Field(default="", alias="OrderStatus")
    by: str = Field(default="", alias="FulfillmentChannel")
    updated: str = Field(default="", alias="LastUpdateDate")


class _Payload(Lenient):
    rows: Annotated[tuple[_Row, ...], Field(max_length=PAGE_SIZE, alias="Orders")]
    next: str = Field(default="", alias="NextToken")


class _Answer(Lenient):
    payload: _Payload


def question(marketplace: str, window: Window, cursor: str) -> dict[str, str]:
    """Ask for one page of what changed."""
    return {
        "MarketplaceIds": marketplace,
        "LastUpdatedAfter": f"{window.start:%Y-%m-%dT%H:%M:%SZ}",
        "LastUpdatedBefore": f"{window.end:%Y-%m-%dT%H:%M:%SZ}",
        "FulfillmentChannels": BY_SELLER,
        "MaxResultsPerPage": str(PAGE_SIZE),
        **({"NextToken": cursor} if cursor else {}),
    }


def read_page(body: bytes, window: Window, shop: Shop) -> Page:
    """Read a page; Broken names the field and the fault."""
    try:
        told = _Answer.model_validate_json(body).payload
    except ValidationError as error:
        raise Broken(f"{CHANNEL} about a list: {fields.explain(error)}") from error
    return Page(tuple(hint for row in told.rows for hint in _hints(row, window, shop)), body, told.next)


def _hints(row: _Row, window: Window, shop: Shop) -> tuple[OrderHinted, ...]:
    status = STATUSES.get(row.status, ChannelStatus.UNMAPPED)
    if status is None or row.by == BY_AMAZON:
        return ()
    try:
        changed = fields.offset_time(row.updated)
    except ValueError:
        changed = window.end
    return (OrderHinted(CHANNEL, shop.code, row.no, status, changed),)


def is_wanted(params: Mapping[str, str]) -> bool:
    """Say whether a shop lists its orders this way."""
    return params.get(PARAM) == OLD
