"""What we ask of strangers, one shape per role. Owns the roles' words, so that vendors can be exchanged.

All raise the same three words: Refused, Unavailable, Broken. Every call carries our own id, so that a
repeat after an unknown outcome is harmless.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from domain.after_sales import ChannelAnswer
from domain.counting import Answer
from domain.errors import Refused
from domain.fulfillment import FulfillmentOrder, PromiseNotice, Purpose, ShipmentNotice
from domain.inbound import Entry
from domain.invoices import RedLetterAsk
from domain.mail import MailPlace, Post
from domain.messages import Outgoing
from domain.observations import (
    CaseObserved,
    Observation,
    OrderObserved,
    ParcelTracked,
    PaymentObserved,
    RefundObserved,
    ReturnConfirmed,
    ShipmentConfirmed,
)
from domain.payments import RefundAsk
from domain.pulling import Page, Roll, Window
from domain.returns import ReturnOrder
from domain.shops import Token
from domain.stock_push import Batch, ListingKey

Clock = Callable[[], datetime]
"""Gives the aware UTC now."""


@dataclass(frozen=True, slots=True)
class WarehouseOrder:
    """What a warehouse says about a fulfilment order: its own status word, and what left the house so far.

    `shipment` holds all packages up to now, not only the last ones: packages are told apart by waybill.
    """

    status: str
    warehouse_order_id: str
    shipment: ShipmentConfirmed | None
    raw: bytes = field(default=b"", repr=False)
    """The answer's body as received, of its first page, where all packages stand."""


@dataclass(frozen=True, slots=True)
class Queued:
    """One message out of a vendor's queue. `key` is unique per message and shop, for ever.

    `receipt` is what the vendor wants to see again when it is confirmed; `reason` says why it cannot be read, then it
    holds no observations and is kept as unparsable. `tell`: what somebody should hear of, and the words.
    """

    receipt: str
    key: str
    raw: bytes = field(repr=False)
    sent_at: datetime | None = None
    observations: tuple[Observation, ...] = ()
    reason: str = ""
    tell: tuple[str, str] | None = None


class Warehouse(Protocol):
    """A warehouse system that ships for us."""

    async def create(self, order: FulfillmentOrder) -> str:
        """Ask for shipping; the warehouse's own id, empty when it names none. Undone by `cancel`."""

    async def cancel(self, fulfillment_no: str, warehouse: str, purpose: Purpose = Purpose.ORDER) -> bool:
        """Take an order back; False when it is too late. A cancelled order cannot be revived: create anew."""

    async def query(self, fulfillment_no: str, warehouse: str) -> WarehouseOrder:
        """Ask where an order is."""

    async def shipped_so_far(self, fulfillment_no: str, warehouse: str) -> tuple[ShipmentConfirmed, bytes] | None:
        """Ask what left the house, with the answer's body as received; None while nothing has. Changes nothing."""

    async def pending(self, fulfillment_no: str, warehouse: str, hold: bool, purpose: Purpose = Purpose.ORDER) -> None:
        """Hold an order in the warehouse, or release it: one undoes the other."""

    async def stock(self, warehouse: str, skus: Sequence[str]) -> Answer:
        """Ask what it has of these SKUs, at most 100 at once; what it does not name it has none of. Changes nothing."""

    async def announce(self, entry: Entry) -> str:
        """Tell what will arrive; its own id, empty when it names none. A repeat is a success.

        Has no undo: what never comes is confirmed as nothing.
        """


class ReturnsDesk(Protocol):
    """A warehouse system that takes goods back for us."""

    async def announce_return(self, back: ReturnOrder) -> str:
        """Tell what will come back; its own id, empty when it names none. A repeat is a success."""

    async def withdraw_return(self, no: str, warehouse: str, exchange: bool) -> bool:
        """Tell that nothing will come any more: undoes `announce_return`. False when the goods are there already."""

    async def returned_so_far(self, no: str, warehouse: str) -> tuple[ReturnConfirmed, bytes] | None:
        """Ask what came back, with the answer's body as received; None while nothing has. Changes nothing."""


class Courier(Protocol):
    """Someone who knows where parcels are."""

    async def subscribe(self, carrier: str, waybill_no: str, order_ref: str, phone_tail: str) -> None:
        """Ask for pushes about a parcel. Has no undo: an unwanted push is ignored and costs nothing more."""

    async def track(self, carrier: str, waybill_no: str, phone_tail: str) -> tuple[ParcelTracked, bytes]:
        """Ask once for the whole trace of a parcel; beside it the answer's body as received."""


class SalesChannel(Protocol):
    """Where orders come from and shipments are told to."""

    async def write_back(self, notice: ShipmentNotice) -> None:
        """Tell that a parcel left; a repeat is a success. Has no undo: a wrong waybill is followed by a right one."""

    async def tell_promise(self, notice: PromiseNotice) -> None:
        """Tell that an order leaves later than promised; a repeat is a success. Refused where there is no way."""

    async def read_order(self, no: str) -> tuple[OrderObserved, bytes]:
        """Ask for the whole order behind a hint; beside it the answer's body as received. Changes nothing."""

    async def pull(self, window: Window, cursor: str) -> Page:
        """Ask for one page of the orders that changed in a window (INT-2); an empty cursor asks for the first to read.

        A page may say everything or only hint. Where rows move while one reads, the last page is read first.
        RateLimited when the vendor asks for patience, TokenRejected when it no longer takes the access token.
        """

    async def pull_cases(self, window: Window, cursor: str) -> Page:
        """Ask for one page of the channel's after-sales cases that changed in a window, as `pull` does for orders."""

    async def read_case(self, case_no: str) -> tuple[CaseObserved, bytes]:
        """Ask for one after-sales case; beside it the answer's body as received. Changes nothing.

        Broken for a state or a kind that nobody knows here: the case stays as it was, and somebody is told.
        """

    async def answer_case(self, answer: ChannelAnswer) -> None:
        """Tell the channel what we decide about a case of its own; a repeat is a success.

        Has no undo: the channel acts on it at once, and its own case says what came of it.
        """

    async def push_stock(self, batch: Batch) -> dict[ListingKey, Refused]:
        """Tell the absolute quantities of some listings, as many as the vendor takes in one call (INV-6).

        Gives what it does not take, by listing; Refused when it takes none of them, be it for one of them alone. A
        repeat is harmless, and so is a newer quantity after one that may have arrived. Has no undo but the next one.
        """

    async def renew(self) -> Token:
        """Ask for a new access token with the refresh token of the shop row; Refused when it is not taken any more."""


class OrderRoll(Protocol):
    """A sales channel that says which orders were placed, so that a missing one is found (INT-9, INT-10)."""

    async def roll(self, window: Window, cursor: str) -> Roll:
        """Ask for one page of the orders placed in a window (or paid: RollRules), by number; an empty cursor begins.

        Changes nothing. Raises as `pull` does.
        """


class MessageQueue(Protocol):
    """A vendor whose news wait in a queue of its own until they are taken and confirmed: TMC, SQS, PMC."""

    async def take(self, longest_seconds: float) -> Sequence[Queued]:
        """Give what waits, or wait for it so long at most; what is not confirmed comes again."""

    async def confirm(self, taken: Sequence[Queued]) -> None:
        """Say that these are stored: they do not come again. A repeat is harmless."""

    async def close(self) -> None:
        """Let go of the connection, where the queue holds one; the next `take` opens it again."""


class PaymentProvider(Protocol):
    """Who takes buyers' money for us and pays it back. Answers come with their body as received."""

    async def refund(self, ask: RefundAsk) -> tuple[RefundObserved, bytes]:
        """Pay money back; a repeat under the same number pays once. Has no undo: money that went back is gone."""

    async def query_refund(self, ask: RefundAsk) -> tuple[RefundObserved, bytes] | None:
        """Ask how a refund stands; None when the provider has none of that number."""

    async def query_payment(self, no: str) -> tuple[PaymentObserved, bytes] | None:
        """Ask for the payment of an order; None when nobody has paid it."""


class MessageSender(Protocol):
    """Someone who carries messages to people."""

    async def send(self, message: Outgoing) -> str:
        """Send one message; the vendor's receipt, empty when it gives none. Has no undo: what was said was said.

        What a repeat after an unknown outcome means, each vendor's file says.
        """


class Mailbox(Protocol):
    """A mail account whose letters are read."""

    async def letters(self, place: MailPlace) -> Post:
        """Read the letters after a place, oldest first, as many as fit one reading. Changes nothing."""
        ...


class InvoiceClerk(Protocol):
    """One taxpayer at a service for e-invoices; only drafts are asked for."""

    async def draft(self, ask: RedLetterAsk) -> str:
        """Make the draft of a red letter and give its number; a repeat under our bill number is harmless."""
        ...
