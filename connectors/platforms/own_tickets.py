"""What buyers say to the own shop, docs/own-shop-api.md: one message of one ticket (EXC-4)."""

from typing import Annotated

from pydantic import Field

from connectors.platforms.own_orders import CHANNEL, Id, Strict, Time
from domain.shops import Shop
from domain.tickets import LONGEST_WORDS, TicketKind, TicketObserved, TicketSource

MOST_PHOTOS = 9
_TEXT = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
_SAID = rf"{_TEXT[:-1]}[^\s\x00-\x1f\x7f]{_TEXT[1:]}"
"""The same, with something else than blanks in it."""
_Photo = Annotated[str, Field(max_length=500, pattern=r"^https?://[\x21-\x7e]+$")]


class Ticket(Strict):
    """One message as the shop writes it; `message_no` tells the messages of one ticket apart."""

    ticket_no: Id
    message_no: Id = "1"
    kind: Annotated[TicketKind, Field(strict=False)] = TicketKind.COMPLAINT
    said_at: Time
    words: Annotated[str, Field(min_length=1, max_length=LONGEST_WORDS, pattern=_SAID)]
    order_no: Annotated[str, Field(max_length=64, pattern=r"^[^\s\x00-\x1f\x7f]*$")] = ""
    case_no: Annotated[str, Field(max_length=64, pattern=r"^[^\s\x00-\x1f\x7f]*$")] = ""
    contact: Annotated[str, Field(max_length=200, pattern=_TEXT)] = ""
    photos: Annotated[tuple[_Photo, ...], Field(max_length=MOST_PHOTOS)] = ()


def observe(ticket: Ticket, shop: Shop) -> TicketObserved:
    """Make the observation."""
    return TicketObserved(
        channel=CHANNEL,
        shop=shop.code,
        thread=f"ticket:{ticket.ticket_no}",
        message_id=f"ticket:{ticket.ticket_no}:{ticket.message_no}",
        ticket_kind=ticket.kind,
        source=TicketSource.SHOP,
        said_at=ticket.said_at,
        words=ticket.words,
        order_no=ticket.order_no,
        case_no=ticket.case_no,
        contact=ticket.contact,
        photos=ticket.photos,
    )
