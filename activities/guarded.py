"""Ports behind a bulkhead, one class per role. Every method of the port is here, so that no call goes around it.

The caller's name in the bulkhead says what is asked and about what: a repeat is the same caller.
"""

from collections.abc import Sequence

from activities.bulkhead import Bulkhead
from activities.ports import Courier, PaymentProvider, SalesChannel, Warehouse
from activities.ports_mail import Mailbox
from activities.ports_messages import MessageSender
from activities.ports_returns import ReturnsDesk
from activities.red_letters import InvoiceClerk
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
    OrderObserved,
    ParcelTracked,
    PaymentObserved,
    RefundObserved,
    ReturnConfirmed,
    ShipmentConfirmed,
)
from domain.payments import RefundAsk
from domain.pulling import Page, Window
from domain.returns import ReturnOrder
from domain.stock_push import Batch, ListingKey


class GuardedWarehouse:
    """A warehouse system behind its account's bulkhead."""

    def __init__(self, warehouse: Warehouse, bulkhead: Bulkhead) -> None:
        self._warehouse = warehouse
        self._bulkhead = bulkhead

    async def create(self, order: FulfillmentOrder) -> str:
        """Ask for shipping."""
        return await self._bulkhead.run(f"create {order.no}", lambda: self._warehouse.create(order))

    async def cancel(self, fulfillment_no: str, warehouse: str, purpose: Purpose = Purpose.ORDER) -> bool:
        """Take an order back."""
        name = f"cancel {fulfillment_no}"
        return await self._bulkhead.run(name, lambda: self._warehouse.cancel(fulfillment_no, warehouse, purpose))

    async def pending(self, fulfillment_no: str, warehouse: str, hold: bool, purpose: Purpose = Purpose.ORDER) -> None:
        """Hold an order, or release it."""
        name = f"{'hold' if hold else 'release'} {fulfillment_no}"
        await self._bulkhead.run(name, lambda: self._warehouse.pending(fulfillment_no, warehouse, hold, purpose))

    async def shipped_so_far(self, fulfillment_no: str, warehouse: str) -> tuple[ShipmentConfirmed, bytes] | None:
        """Ask what has left the house."""
        name = f"query {fulfillment_no}"
        return await self._bulkhead.run(name, lambda: self._warehouse.shipped_so_far(fulfillment_no, warehouse))

    async def stock(self, warehouse: str, skus: Sequence[str]) -> Answer:
        """Ask what it has."""
        return await self._bulkhead.run(f"stock {warehouse} {skus}", lambda: self._warehouse.stock(warehouse, skus))

    async def announce(self, entry: Entry) -> str:
        """Tell what will arrive."""
        return await self._bulkhead.run(f"announce {entry.no}", lambda: self._warehouse.announce(entry))


class GuardedReturns:
    """A warehouse's returns desk behind its account's bulkhead."""

    def __init__(self, desk: ReturnsDesk, bulkhead: Bulkhead) -> None:
        self._desk = desk
        self._bulkhead = bulkhead

    async def announce_return(self, back: ReturnOrder) -> str:
        """Tell what will come back."""
        return await self._bulkhead.run(f"announce {back.no}", lambda: self._desk.announce_return(back))

    async def withdraw_return(self, no: str, warehouse: str, exchange: bool) -> bool:
        """Tell that nothing will come any more."""
        return await self._bulkhead.run(f"withdraw {no}", lambda: self._desk.withdraw_return(no, warehouse, exchange))

    async def returned_so_far(self, no: str, warehouse: str) -> tuple[ReturnConfirmed, bytes] | None:
        """Ask what came back."""
        return await self._bulkhead.run(f"returned {no}", lambda: self._desk.returned_so_far(no, warehouse))


class GuardedCourier:
    """A courier behind its account's bulkhead."""

    def __init__(self, courier: Courier, bulkhead: Bulkhead) -> None:
        self._courier = courier
        self._bulkhead = bulkhead

    async def subscribe(self, carrier: str, waybill_no: str, order_ref: str, phone_tail: str) -> None:
        """Ask for pushes about a parcel."""
        name = f"subscribe {carrier} {waybill_no}"
        await self._bulkhead.run(name, lambda: self._courier.subscribe(carrier, waybill_no, order_ref, phone_tail))

    async def track(self, carrier: str, waybill_no: str, phone_tail: str) -> tuple[ParcelTracked, bytes]:
        """Ask for a parcel's trace."""
        name = f"track {carrier} {waybill_no}"
        return await self._bulkhead.run(name, lambda: self._courier.track(carrier, waybill_no, phone_tail))


class GuardedChannel:
    """A sales channel behind its account's bulkhead; its lists, and its stock, may have one of their own.

    Lists that are dead must not keep orders from being read and told: either way in alone is enough (INT-17). Nor may
    stock that is told, or cannot be, keep parcels from being told.
    """

    def __init__(
        self,
        channel: SalesChannel,
        bulkhead: Bulkhead,
        lists: Bulkhead | None = None,
        stock: Bulkhead | None = None,
    ) -> None:
        self._channel = channel
        self._bulkhead = bulkhead
        self._lists = lists or bulkhead
        self._stock = stock or bulkhead

    async def write_back(self, notice: ShipmentNotice) -> None:
        """Tell that a package left."""
        await self._bulkhead.run(f"write back {notice.key}", lambda: self._channel.write_back(notice))

    async def tell_promise(self, notice: PromiseNotice) -> None:
        """Tell that an order leaves later."""
        await self._bulkhead.run(f"promise {notice.key}", lambda: self._channel.tell_promise(notice))

    async def read_order(self, no: str) -> tuple[OrderObserved, bytes]:
        """Ask for the whole order, unless the channel does not answer."""
        return await self._bulkhead.run(f"read {no}", lambda: self._channel.read_order(no))

    async def pull(self, window: Window, cursor: str) -> Page:
        """Ask for one page of what changed."""
        name = f"pull {window.start} {window.end} {cursor}"
        return await self._lists.run(name, lambda: self._channel.pull(window, cursor))

    async def pull_cases(self, window: Window, cursor: str) -> Page:
        """Ask for one page of the cases that changed."""
        name = f"pull cases {window.start} {window.end} {cursor}"
        return await self._lists.run(name, lambda: self._channel.pull_cases(window, cursor))

    async def read_case(self, case_no: str) -> tuple[CaseObserved, bytes]:
        """Ask for one case."""
        return await self._bulkhead.run(f"case {case_no}", lambda: self._channel.read_case(case_no))

    async def answer_case(self, answer: ChannelAnswer) -> None:
        """Tell what we decide about a case."""
        await self._bulkhead.run(f"answer {answer.key}", lambda: self._channel.answer_case(answer))

    async def push_stock(self, batch: Batch) -> dict[ListingKey, Refused]:
        """Tell what the shop may sell."""
        name = f"stock {'/'.join(batch[0].key)}"
        return await self._stock.run(name, lambda: self._channel.push_stock(batch))


class GuardedPayments:
    """A payment provider behind its account's bulkhead."""

    def __init__(self, provider: PaymentProvider, bulkhead: Bulkhead) -> None:
        self._provider = provider
        self._bulkhead = bulkhead

    async def refund(self, ask: RefundAsk) -> tuple[RefundObserved, bytes]:
        """Pay money back."""
        return await self._bulkhead.run(f"refund {ask.no}", lambda: self._provider.refund(ask))

    async def query_refund(self, ask: RefundAsk) -> tuple[RefundObserved, bytes] | None:
        """Ask how a refund stands."""
        return await self._bulkhead.run(f"query refund {ask.no}", lambda: self._provider.query_refund(ask))

    async def query_payment(self, no: str) -> tuple[PaymentObserved, bytes] | None:
        """Ask for the payment of an order."""
        return await self._bulkhead.run(f"query payment {no}", lambda: self._provider.query_payment(no))


class GuardedSender:
    """An account that carries messages, behind its bulkhead."""

    def __init__(self, sender: MessageSender, bulkhead: Bulkhead) -> None:
        self._sender = sender
        self._bulkhead = bulkhead

    async def send(self, message: Outgoing) -> str:
        """Send one message."""
        return await self._bulkhead.run(f"message {message.ref}", lambda: self._sender.send(message))


class GuardedMailbox:
    """A mail account that is read, behind its bulkhead."""

    def __init__(self, mailbox: Mailbox, bulkhead: Bulkhead) -> None:
        self._mailbox = mailbox
        self._bulkhead = bulkhead

    async def letters(self, place: MailPlace) -> Post:
        """Read what is new."""
        return await self._bulkhead.run(f"letters after {place.last_uid}", lambda: self._mailbox.letters(place))


class GuardedClerk:
    """An account for invoices, behind its bulkhead."""

    def __init__(self, clerk: InvoiceClerk, bulkhead: Bulkhead) -> None:
        self._clerk = clerk
        self._bulkhead = bulkhead

    async def draft(self, ask: RedLetterAsk) -> str:
        """Make a draft."""
        return await self._bulkhead.run(f"red letter {ask.bill_no}", lambda: self._clerk.draft(ask))
