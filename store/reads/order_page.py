"""One order with everything that hangs on it, read in one go. Personal data stays sealed: store/opening.py opens it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.waits import WORDS, Wait, WaitFor, Words
from store.database import Database
from store.reads.order_list import BESIDE, COLUMNS, OrderRow, order_row

MOST = 500
"""How much of each kind a page shows; what is older is in the audit log."""

_ORDER = text(f"SELECT {COLUMNS} FROM orders o {BESIDE} WHERE o.key = :key")  # noqa: S608  (our own words)
_FACTS = text(
    """
    SELECT o.channel_status, o.raw_status, o.channel_time, o.channel_inbox_id, o.goods_minor, o.shop_discount_minor,
        o.platform_discount_minor, o.freight_minor, o.paid_minor, o.refunded_minor, o.signed_at, o.completed_at,
        o.started_at, o.created_at, o.hold_cleared_by, o.remark_sealed IS NOT NULL AS has_remark,
        coalesce(c.form, '') AS contact_form, coalesce(c.province, '') AS province, coalesce(c.city, '') AS city,
        coalesce(c.district, '') AS district
    FROM orders o LEFT JOIN contact c ON c.order_key = o.key WHERE o.key = :key
    """
)
_LINES = text(
    """
    SELECT line_no, sku, title, quantity, unit_minor, discount_minor, amount_minor, dropped
    FROM order_line WHERE order_key = :key ORDER BY line_no LIMIT :most
    """
)
_HELD = text(
    """
    SELECT 'reserved' AS kind, line_no, sku, quantity, 0 AS shipped, state, '' AS warehouse, '' AS fulfillment_no,
        expires_at, created_at, ended_at
    FROM reservation WHERE order_key = :key
    UNION ALL
    SELECT 'allocated', line_no, sku, quantity, shipped, state, warehouse, fulfillment_no, NULL, created_at, ended_at
    FROM allocation WHERE order_key = :key ORDER BY created_at, line_no LIMIT :most
    """
)
_FULFILLMENTS = text(
    """
    SELECT no, warehouse, carrier, state, stage, wms_ref, created_at, sent_at, pushed_at, shipped_at, cancelled_at
    FROM fulfillment WHERE order_key = :key ORDER BY no LIMIT :most
    """
)
_REPORTS = text(
    """
    SELECT r.fulfillment_no, r.stage, r.reported_at, r.operator, r.inbox_id
    FROM process_report r JOIN fulfillment f ON f.no = r.fulfillment_no
    WHERE f.order_key = :key ORDER BY r.reported_at LIMIT :most
    """
)
_PARCELS = text(
    """
    SELECT carrier, waybill_no, fulfillment_no, weight_kg, items, state, raw_state, raw_substate, shipped_at,
        subscribed_at, heard_at, signed_at, inbox_id
    FROM parcel WHERE order_key = :key ORDER BY shipped_at, waybill_no LIMIT :most
    """
)
_SCANS = text(
    """
    SELECT t.carrier, t.waybill_no, t.at, t.location, t.raw_code, t.inbox_id
    FROM trace t JOIN parcel p USING (carrier, waybill_no)
    WHERE p.order_key = :key ORDER BY t.at LIMIT :most
    """
)
_CALLS = text(
    """
    SELECT kind, vendor, shop, key, state, attempts, created_at, next_at, done_at, reason
    FROM outgoing WHERE order_key = :key ORDER BY id LIMIT :most
    """
)
_ALERTS = text(
    """
    SELECT kind, level, subject, words, raised_at, cleared_at FROM alert
    WHERE subject = ANY(:subjects) ORDER BY cleared_at IS NOT NULL, level, raised_at LIMIT :most
    """
)
_DELIVERIES = text(
    """
    SELECT event, created_at, attempts, delivered_at, result FROM delivery
    WHERE order_key = :key ORDER BY id LIMIT :most
    """
)
_MESSAGES = text(
    """
    SELECT i.id AS inbox_id, i.source, i.shop, i.way, i.received_at, o.kind, o.subject, o.state, o.reason
    FROM observation o JOIN inbox i ON i.id = o.inbox_id
    WHERE o.subject = ANY(:subjects)
    UNION ALL
    SELECT i.id, i.source, i.shop, i.way, i.received_at, 'file', a.subject, i.state, ''
    FROM audit a JOIN inbox i ON i.id = a.inbox_id AND i.way = 'file'
    WHERE a.subject = :key
        AND NOT EXISTS (SELECT 1 FROM observation o WHERE o.inbox_id = i.id AND o.subject = ANY(:subjects))
    ORDER BY received_at, inbox_id LIMIT :most
    """
)
_ENTRIES = text(
    """
    SELECT at, actor, action, detail, inbox_id FROM (
        SELECT * FROM audit WHERE subject = :key ORDER BY id DESC LIMIT :most) newest
    ORDER BY id
    """
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What an order waits for; `words.what`, `words.next` and `words.overdue` are the parts of its sentence."""

    wait: Wait
    words: Words


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """The rest of the order's own facts: what the channel said last, money in minor units, times, the region."""

    channel_status: str
    raw_status: str
    channel_time: datetime
    channel_inbox_id: int | None
    goods_minor: int
    shop_discount_minor: int
    platform_discount_minor: int
    freight_minor: int
    paid_minor: int
    refunded_minor: int
    signed_at: datetime | None
    completed_at: datetime | None
    started_at: datetime | None
    created_at: datetime
    hold_cleared_by: str
    has_remark: bool
    contact_form: str
    province: str
    city: str
    district: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the order, amounts in minor units; `dropped` units never ship: their money goes back."""

    line_no: str
    sku: str
    title: str
    quantity: int
    unit_minor: int
    discount_minor: int
    amount_minor: int
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class Held:
    """Stock held for a line: `reserved` softly until it expires, or `allocated` by a warehouse."""

    kind: str
    line_no: str
    sku: str
    quantity: int
    shipped: int
    state: str
    warehouse: str
    fulfillment_no: str
    expires_at: datetime | None
    created_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Report:
    """One step inside a warehouse."""

    fulfillment_no: str
    stage: str
    reported_at: datetime
    operator: str
    inbox_id: int | None


@dataclass(frozen=True, slots=True)
class FulfillmentOrder:
    """What one warehouse ships."""

    no: str
    warehouse: str
    carrier: str
    state: str
    stage: str
    wms_ref: str
    created_at: datetime
    sent_at: datetime | None
    pushed_at: datetime | None
    shipped_at: datetime | None
    cancelled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Scan:
    """One courier scan; its text stays sealed, for couriers write names and phones into it."""

    carrier: str
    waybill_no: str
    at: datetime
    location: str
    raw_code: str
    inbox_id: int | None


@dataclass(frozen=True, slots=True)
class Parcel:
    """One box; `items` are dicts of sku and quantity, empty when the warehouse did not say."""

    carrier: str
    waybill_no: str
    fulfillment_no: str
    weight_kg: str
    items: list[dict[str, Any]]
    state: str
    raw_state: str
    raw_substate: str
    shipped_at: datetime
    subscribed_at: datetime | None
    heard_at: datetime | None
    signed_at: datetime | None
    inbox_id: int | None


@dataclass(frozen=True, slots=True)
class OutgoingCall:
    """One call to a stranger: state new (tried again at `next_at`), done or refused (with the reason)."""

    kind: str
    vendor: str
    shop: str
    key: str
    state: str
    attempts: int
    created_at: datetime
    next_at: datetime
    done_at: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class OrderAlert:
    """One alert about the order or what belongs to it; open while `cleared_at` is None."""

    kind: str
    level: str
    subject: str
    words: str
    raised_at: datetime
    cleared_at: datetime | None


@dataclass(frozen=True, slots=True)
class EventDelivery:
    """One event on its way to the order's workflow."""

    event: str
    created_at: datetime
    attempts: int
    delivered_at: datetime | None
    result: str


@dataclass(frozen=True, slots=True)
class Message:
    """One thing that a raw message said of this order; `inbox_id` opens it (store/opening.py)."""

    inbox_id: int
    source: str
    shop: str
    way: str
    received_at: datetime
    kind: str
    subject: str
    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the audit log."""

    at: datetime
    actor: str
    action: str
    detail: dict[str, Any]
    inbox_id: int | None


@dataclass(frozen=True, slots=True)
class OrderPage:
    """All that is known of one order, personal data left sealed."""

    order: OrderRow
    facts: OrderFacts
    waiting: Waiting | None
    lines: list[Line]
    held: list[Held]
    fulfillments: list[FulfillmentOrder]
    reports: list[Report]
    parcels: list[Parcel]
    scans: list[Scan]
    calls: list[OutgoingCall]
    alerts: list[OrderAlert]
    deliveries: list[EventDelivery]
    messages: list[Message]
    entries: list[Entry]


One = TypeVar("One")


class OrderPages:
    """Reads whole orders."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, key: str) -> OrderPage | None:
        """Read one order; None when there is none of this key."""
        async with self._database.transaction() as tx:
            row = (await tx.execute(_ORDER, {"key": key})).one_or_none()
            return await _page(tx, order_row(row)) if row else None


async def _page(tx: AsyncConnection, order: OrderRow) -> OrderPage:
    values: dict[str, Any] = {"key": order.key, "most": MOST}

    async def read(kind: type[One], statement: TextClause) -> list[One]:
        return [kind(**row._mapping) for row in await tx.execute(statement, values)]

    fulfillments = await read(FulfillmentOrder, _FULFILLMENTS)
    parcels = await read(Parcel, _PARCELS)
    waybills = [f"{parcel.carrier}:{parcel.waybill_no}" for parcel in parcels]
    values["subjects"] = [order.key, *(one.no for one in fulfillments), *waybills]
    return OrderPage(
        order=order,
        facts=(await read(OrderFacts, _FACTS))[0],
        waiting=_waiting(order),
        lines=await read(Line, _LINES),
        held=await read(Held, _HELD),
        fulfillments=fulfillments,
        reports=await read(Report, _REPORTS) if fulfillments else [],
        parcels=parcels,
        scans=await read(Scan, _SCANS) if parcels else [],
        calls=await read(OutgoingCall, _CALLS),
        alerts=await read(OrderAlert, _ALERTS),
        deliveries=await read(EventDelivery, _DELIVERIES),
        messages=await read(Message, _MESSAGES),
        entries=await read(Entry, _ENTRIES),
    )


def _waiting(order: OrderRow) -> Waiting | None:
    wait = order.wait
    return None if wait is None or wait.what is WaitFor.NOTHING else Waiting(wait, WORDS[wait.what])
