"""What strangers tell us, in one vocabulary. Owns the observation types that connectors make and apply reads.

Observations are facts about the outside world, not commands: what to do is derived later. Every time is aware
UTC, every amount is in minor units (fen, cents) of the stated currency.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

from domain.after_sales import CaseKind
from domain.contacts import Contact
from domain.counting import Grade
from domain.payments import RefundState
from domain.tickets import TicketObserved


class ChannelStatus(StrEnum):
    """The canonical state of an order on its channel (INT-13).

    DEPOSIT: the first part of a presale order is paid, its balance is due. UNMAPPED is none: the connector gives the
    channel's raw code only, and the status map in force says what it means.
    """

    UNPAID = "unpaid"
    DEPOSIT = "deposit"
    PAID = "paid"
    SHIPPED = "shipped"
    SIGNED = "signed"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"
    UNMAPPED = "unmapped"


@dataclass(frozen=True, slots=True)
class LineObserved:
    """One order line. `amount_minor` = quantity x unit_minor - discount_minor; `presale`: sold before it is there.

    `item_id` and `variant_id` name what was sold in the vendor's words, empty where it has none (domain/stock_push.py).
    """

    line_no: str
    sku: str
    title: str
    quantity: int
    unit_minor: int
    discount_minor: int
    amount_minor: int
    item_id: str = ""
    variant_id: str = ""
    presale: bool = False


@dataclass(frozen=True, slots=True)
class OrderObserved:
    """A full order as its channel states it at `vendor_time`.

    goods = sum of line amounts; total = goods - shop_discount - platform_discount + freight (all minor units).
    `deposit_at` and `balance_until` say when a presale order's deposit was paid and until when its balance may be.
    `may_ship` is False while the channel forbids shipping a paid order (its own risk check, a group not complete).
    `uncharged`: the buyer is not charged for it; a platform that charges by itself says so instead of a refund.
    """

    channel: str
    shop: str
    no: str
    status: ChannelStatus
    raw_status: str
    vendor_time: datetime
    placed_at: datetime
    paid_at: datetime | None
    currency: str
    goods_minor: int
    shop_discount_minor: int
    platform_discount_minor: int
    freight_minor: int
    total_minor: int
    paid_minor: int
    refunded_minor: int
    lines: tuple[LineObserved, ...]
    contact: Contact
    buyer_id: str = ""
    buyer_ip: str = ""
    remark: str = ""
    may_ship: bool = True
    deposit_at: datetime | None = None
    balance_until: datetime | None = None
    uncharged: bool = False
    kind: Literal["order"] = "order"


@dataclass(frozen=True, slots=True)
class OrderHinted:
    """A channel says that something about an order changed, but not what: the whole order has to be asked for.

    `edit`: only words about it did, a remark or a memo; its state is as it was.
    """

    channel: str
    shop: str
    no: str
    status: ChannelStatus
    vendor_time: datetime
    raw_status: str = ""
    edit: bool = False
    kind: Literal["hint"] = "hint"


@dataclass(frozen=True, slots=True)
class PackedItem:
    """Units of one SKU in one package."""

    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Package:
    """One parcel as the warehouse hands it to the courier."""

    carrier: str
    waybill_no: str
    weight_kg: str
    items: tuple[PackedItem, ...]


@dataclass(frozen=True, slots=True)
class ShipmentConfirmed:
    """The warehouse shipped (part of) a fulfilment order. `confirm_id` de-duplicates repeats of one confirm."""

    fulfillment_no: str
    confirm_id: str
    warehouse: str
    final: bool
    confirmed_at: datetime
    packages: tuple[Package, ...]
    kind: Literal["shipment"] = "shipment"


@dataclass(frozen=True, slots=True)
class ProcessReported:
    """A step inside the warehouse; `stage` is the warehouse standard's word (ACCEPT, PICK, PACKAGE, ...)."""

    fulfillment_no: str
    stage: str
    reported_at: datetime
    operator: str = ""
    note: str = ""
    kind: Literal["process"] = "process"


class ParcelState(StrEnum):
    """Where a parcel is, as its courier says."""

    NO_TRACE = "no_trace"
    COLLECTED = "collected"
    IN_TRANSIT = "in_transit"
    OUT_FOR_DELIVERY = "out_for_delivery"
    AT_STATION = "at_station"
    SIGNED = "signed"
    PROBLEM = "problem"
    RETURNED = "returned"
    FORWARDED = "forwarded"
    CUSTOMS = "customs"


@dataclass(frozen=True, slots=True)
class Trace:
    """One courier scan. `raw_code` is the courier's sub-state, kept as given."""

    at: datetime
    text: str
    location: str
    raw_code: str


@dataclass(frozen=True, slots=True)
class ParcelTracked:
    """The full trace of a parcel so far; always overwrites by (time, text).

    `raw_state` / `raw_substate` are the courier's own codes, kept (LOG-1). `signed_at` is set only when the
    courier says signed; a hand-in to a station or locker is AT_STATION, never SIGNED (LOG-4).
    """

    carrier: str
    waybill_no: str
    state: ParcelState
    raw_state: str
    raw_substate: str
    signed_at: datetime | None
    traces: tuple[Trace, ...]
    kind: Literal["track"] = "track"


@dataclass(frozen=True, slots=True)
class PaymentObserved:
    """A payment provider took the money for an order: the whole `amount_minor`, in one `transaction_id`.

    `channel` and `shop` say whose buyer paid, `no` is the order's number there (the provider's out_trade_no).
    """

    provider: str
    account: str
    channel: str
    shop: str
    no: str
    transaction_id: str
    amount_minor: int
    currency: str
    paid_at: datetime
    kind: Literal["payment"] = "payment"


@dataclass(frozen=True, slots=True)
class RefundObserved:
    """A payment provider says how a refund stands; `refund_no` is its asker's number, `refund_id` the provider's."""

    provider: str
    account: str
    channel: str
    shop: str
    no: str
    transaction_id: str
    refund_no: str
    refund_id: str
    state: RefundState
    amount_minor: int
    succeeded_at: datetime | None
    kind: Literal["refund"] = "refund"


@dataclass(frozen=True, slots=True)
class StockChange:
    """Units of one SKU and grade by which a warehouse says that its stock changed, and the document that caused it."""

    sku: str
    grade: Grade
    quantity: int
    document_no: str = ""


@dataclass(frozen=True, slots=True)
class StockReported:
    """A warehouse tells by itself of a change: it has counted (盘点), or something moved; `report_id` is its message.

    It says where to look, not what to book: the same change may come as a report, as a confirmation and by a count.
    """

    warehouse: str
    report_id: str
    counted: bool
    reported_at: datetime
    changes: tuple[StockChange, ...]
    kind: Literal["stock_report"] = "stock_report"


@dataclass(frozen=True, slots=True)
class ReceivedLine:
    """Units of one SKU and grade that arrived; `line_no` is the warehouse's or ours, empty when it names none."""

    sku: str
    grade: Grade
    quantity: int
    line_no: str = ""


@dataclass(frozen=True, slots=True)
class EntryConfirmed:
    """A warehouse received (part of) what was announced; quantities are those of this confirmation alone.

    `confirm_id` is the warehouse's message. `final`: nothing more is to come. `refused`: it will not take it.
    """

    entry_no: str
    confirm_id: str
    warehouse: str
    final: bool
    confirmed_at: datetime
    lines: tuple[ReceivedLine, ...]
    refused: bool = False
    kind: Literal["entry"] = "entry"


class ChannelCaseState(StrEnum):
    """What a sales channel says of an after-sales case of its own.

    ASKED: it waits for our word. AWAITS_GOODS: agreed, the buyer sends. SENT: the goods are on their way to us.
    """

    ASKED = "asked"
    AWAITS_GOODS = "awaits_goods"
    SENT = "sent"
    REFUSED = "refused"
    PAID = "paid"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class CaseLineObserved:
    """Units of one order line that a channel's case is about; `line_no` is the order's, quantity 0 means all of it."""

    line_no: str
    quantity: int


@dataclass(frozen=True, slots=True)
class CaseObserved:
    """A channel's after-sales case as it stands at `vendor_time`; `case_no` is the channel's, `no` its order's.

    No lines: the whole order. `amount_minor` is what the buyer wants or got, `words` the buyer's own.
    """

    channel: str
    shop: str
    case_no: str
    no: str
    case_kind: CaseKind
    state: ChannelCaseState
    raw_status: str
    vendor_time: datetime
    amount_minor: int
    currency: str
    lines: tuple[CaseLineObserved, ...] = ()
    reason: str = ""
    words: str = field(default="", repr=False)
    carrier: str = ""
    waybill_no: str = ""
    kind: Literal["case"] = "case"


@dataclass(frozen=True, slots=True)
class CaseHinted:
    """A channel says that something about an after-sales case of its own changed: the whole case has to be asked for.

    `no` is its order's number, empty when the channel does not say.
    """

    channel: str
    shop: str
    case_no: str
    no: str
    vendor_time: datetime
    raw_status: str = ""
    kind: Literal["case_hint"] = "case_hint"


@dataclass(frozen=True, slots=True)
class ReturnConfirmed:
    """A warehouse received goods that came back (Qimen return order); `case_no` is empty for a parcel nobody announced.

    `confirm_id` is the warehouse's message; quantities are those of this confirmation alone, or with `total`, as a
    warehouse says when it is asked, of all that came so far.
    """

    case_no: str
    confirm_id: str
    warehouse: str
    confirmed_at: datetime
    lines: tuple[ReceivedLine, ...]
    carrier: str = ""
    waybill_no: str = ""
    order_no: str = ""
    total: bool = False
    kind: Literal["return"] = "return"


Observation = (
    OrderObserved
    | OrderHinted
    | ShipmentConfirmed
    | ProcessReported
    | ParcelTracked
    | PaymentObserved
    | RefundObserved
    | StockReported
    | EntryConfirmed
    | CaseObserved
    | CaseHinted
    | ReturnConfirmed
    | TicketObserved
)
