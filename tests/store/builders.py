"""Small builders for store tests: observations, a stocked warehouse, an order at a given step of its life."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, text

from domain.contacts import Contact, ContactForm
from domain.observations import (
    ChannelStatus,
    LineObserved,
    OrderObserved,
    Package,
    PackedItem,
    ParcelState,
    ParcelTracked,
    ShipmentConfirmed,
    Trace,
)
from domain.orders import order_key
from domain.progress import Plan
from domain.shops import Role, Shop
from domain.timing import OrderTiming
from store.database import Database
from store.keyring import KeyRing
from store.order_facts import SqlOrderFacts
from store.order_intake import Booking, apply_order
from store.shipment_intake import apply_shipment
from store.shops import NewWarehouse, Shops
from store.stock_on_hand import Shelf, set_on_hand
from tests.conftest import NOON

TIMING = OrderTiming(
    unpaid_lock_seconds=1800,
    late_payment_seconds=86400,
    ship_by_seconds=172800,
    ship_warning_seconds=14400,
    sign_by_seconds=1296000,
    settle_seconds=172800,
    retry_first_seconds=10,
    retry_longest_seconds=600,
)
PHONE = "13800138000"
NAME = "张三丰"
RECEIVER = Contact(ContactForm.PLAIN, "广东省", "广州市", "白云区", NAME, PHONE, "人民路 1 号 2 单元")
TABLES = str.split(
    "inbox unverified observation orders order_line contact sku_stock warehouse_stock reservation allocation "
    "stock_movement stock_ledger pool_stock pool_member channel_pool bundle_component safety_stock lowered_exposure "
    "fulfillment shipment_confirm parcel trace process_report delivery outgoing reread alert audit "
    "pull heard shop_token payment refund breaker_event lock_failure stock_wait stock_queue proposal "
    "listing stock_push stock_told stock_drain stock_signal "
    "number_series approval stock_count count_line adjustment stock_report transfer transfer_line "
    "inbound inbound_line inbound_stage receipt turnover_day "
    "stock_audit stock_balance stock_drift presale_hold presale_supply "
    "after_sales_case case_line case_photo return_receipt inspection unmatched_return refund_grant payout "
    "process_event setting_draft message "
    "order_exception exception_line claim red_letter_draft receivable_change ticket ticket_entry macro "
    "receivable_export "
    "mailbox "
    "return_parcel roll_check roll_number call_count "
    "portal_link portal_code portal_session"
)
DRIFTED = """
    SELECT * FROM (
        SELECT s.*,
            (SELECT coalesce(sum(quantity), 0) FROM reservation r WHERE r.sku = s.sku AND state = 'open') AS r,
            (SELECT coalesce(sum(quantity - shipped), 0) FROM allocation a WHERE a.sku = s.sku AND state = 'open')
                AS a,
            (SELECT coalesce(sum(quantity), 0) FROM stock_movement m WHERE m.sku = s.sku) AS moved,
            (SELECT coalesce(sum(on_hand), 0) FROM warehouse_stock w WHERE w.sku = s.sku) AS here,
            (SELECT coalesce(sum(locked), 0) FROM pool_stock p WHERE p.sku = s.sku) AS locked,
            (SELECT (coalesce(sum(on_hand), 0), coalesce(sum(reserved), 0), coalesce(sum(allocated), 0),
                coalesce(sum(pooled), 0)) = (s.on_hand, s.reserved, s.allocated, s.pooled)
                FROM stock_ledger g WHERE g.sku = s.sku) AS explained,
            (SELECT (coalesce(sum(defective), 0), coalesce(sum(quarantine), 0)) FROM warehouse_stock w
                WHERE w.sku = s.sku) = (SELECT (coalesce(sum(defective), 0), coalesce(sum(quarantine), 0))
                FROM stock_ledger g WHERE g.sku = s.sku) AS graded,
            (SELECT coalesce(sum(allocated), 0) FROM warehouse_stock w WHERE w.sku = s.sku) AS allocated_here
        FROM sku_stock s) one
    WHERE reserved <> r OR allocated <> a OR on_hand <> moved OR on_hand <> here OR allocated <> allocated_here
        OR reserved < 0 OR allocated < 0 OR reserved + allocated + pooled > on_hand
        OR pooled <> locked OR NOT explained OR NOT graded
"""
"""The SKUs whose counters are not what is open, moved, housed, locked and told."""
WMS = Shop(
    "qimen", "wms1", Role.WAREHOUSE, "Asia/Shanghai", "CNY", "http://wms.example/", "wms-key", ("wms-secret",), {}
)
COURIER = replace(WMS, vendor="kdniao", code="bird", role=Role.COURIER, key_id="bird-key", secrets=("bird-secret",))


def line(line_no: str, sku: str, quantity: int, unit_minor: int = 1000) -> LineObserved:
    """Build one order line without a discount."""
    return LineObserved(line_no, sku, f"item {sku}", quantity, unit_minor, 0, quantity * unit_minor)


def order(no: str = "T1", status: ChannelStatus = ChannelStatus.PAID, minute: int = 0, **changed: Any) -> OrderObserved:
    """Build an observed order; `skus={"A": 2}` gives its lines, anything else replaces a field."""
    skus: dict[str, int] = changed.pop("skus", {"A": 1})
    lines = changed.pop("lines", None) or tuple(line(str(n), sku, q) for n, (sku, q) in enumerate(skus.items(), 1))
    goods = sum(one.amount_minor for one in lines)
    at = NOON + timedelta(minutes=minute)
    unpaid = status in {ChannelStatus.UNPAID, ChannelStatus.CANCELLED}
    values: dict[str, Any] = {
        "channel": "own",
        "shop": "demo",
        "no": no,
        "status": status,
        "raw_status": status.value.upper(),
        "vendor_time": at,
        "placed_at": NOON,
        "paid_at": None if unpaid else at,
        "currency": "CNY",
        "goods_minor": goods,
        "shop_discount_minor": 0,
        "platform_discount_minor": 0,
        "freight_minor": 0,
        "total_minor": goods,
        "paid_minor": 0 if unpaid else goods,
        "refunded_minor": goods if status is ChannelStatus.REFUNDED else 0,
        "lines": lines,
        "contact": RECEIVER,
    }
    return OrderObserved(**(values | changed))


def key(no: str = "T1") -> str:
    """Name the order that `order(no)` builds."""
    return order_key("own", "demo", no)


def package(waybill_no: str, **items: int) -> Package:
    """Build one parcel of SF with units per SKU."""
    return Package("SF", waybill_no, "1.5", tuple(PackedItem(sku, n) for sku, n in items.items()))


def confirm(
    *packages: Package, no: str = "T1-1", confirm_id: str = "c1", final: bool = True, minute: int = 60
) -> ShipmentConfirmed:
    """Build a warehouse's confirmation."""
    return ShipmentConfirmed(no, confirm_id, "GZ", final, NOON + timedelta(minutes=minute), packages)


def track(waybill_no: str, state: ParcelState, *minutes: int) -> ParcelTracked:
    """Build a courier's push with one scan per minute given; signed at the last one."""
    traces = tuple(
        Trace(NOON + timedelta(minutes=m), f"快件已由{NAME}({PHONE})处理 {m}", "广州市", str(m)) for m in minutes
    )
    signed_at = traces[-1].at if state is ParcelState.SIGNED else None
    return ParcelTracked("SF", waybill_no, state, state.value[0], state.value, signed_at, traces)


def booking(ring: KeyRing, minute: int = 0) -> Booking:
    """Give what apply needs beside an observation."""
    return Booking(ring, TIMING, NOON + timedelta(minutes=minute))


async def apply(database: Database, ring: KeyRing, seen: OrderObserved, inbox_id: int = 1) -> str:
    """Book one order observation in a transaction of its own."""
    async with database.transaction() as tx:
        return await apply_order(tx, booking(ring), seen, inbox_id)


async def ship(database: Database, seen: ShipmentConfirmed, inbox_id: int = 2) -> str:
    """Book one confirmation in a transaction of its own."""
    async with database.transaction() as tx:
        return await apply_shipment(tx, seen, inbox_id, NOON)


async def stocked(database: Database, ring: KeyRing, **counts: int) -> None:
    """Add warehouse GZ behind its WMS, a courier, and units of SKUs."""
    shops = Shops(database, ring)
    if await shops.find("qimen", "wms1") is None:
        await shops.add(WMS, NewWarehouse("GZ", "广州仓", "广东省", "SF"), NOON)
        await shops.add(COURIER, None, NOON)
    async with database.transaction() as tx:
        for sku, count in counts.items():
            await set_on_hand(tx, Shelf("GZ", sku, f"item {sku}"), count, NOON)


async def planned(database: Database, ring: KeyRing, no: str = "T1", **skus: int) -> Plan:
    """Bring a paid order to its warehouse."""
    assert await apply(database, ring, order(no, skus=skus or {"A": 1})) == "applied"
    return await SqlOrderFacts(database, ring).plan(key(no), TIMING, NOON)


async def rows(database: Database, statement: str, **values: Any) -> list[Row[Any]]:
    """Read rows of any select."""
    async with database.transaction() as tx:
        return list(await tx.execute(text(statement), values))


async def value(database: Database, statement: str, **values: Any) -> Any:
    """Read one value."""
    return (await rows(database, statement, **values))[0][0]


async def change(database: Database, statement: str, **values: Any) -> None:
    """Change something behind the store's back."""
    async with database.transaction() as tx:
        await tx.execute(text(statement), values)


async def counters(database: Database, sku: str = "A") -> tuple[int, int, int]:
    """Give on hand, reserved, allocated of a SKU."""
    found = await rows(database, "SELECT on_hand, reserved, allocated FROM sku_stock WHERE sku = :sku", sku=sku)
    return tuple(found[0])


async def in_warehouse(database: Database, sku: str = "A") -> tuple[int, int]:
    """Give on hand and allocated of a SKU in GZ."""
    found = await rows(database, "SELECT on_hand, allocated FROM warehouse_stock WHERE sku = :sku", sku=sku)
    return tuple(found[0])


async def facts(database: Database) -> dict[str, list[str]]:
    """Copy every fact, to compare before and after a repeat."""
    return {
        table: [str(row) for row in await rows(database, f"SELECT t.* FROM {table} t ORDER BY t.*::text")]  # noqa: S608
        for table in TABLES
    }


async def assert_counters_add_up(database: Database) -> None:
    """Assert that counters equal what is open, that movements and ledger explain them, and that nothing is oversold."""
    assert await rows(database, DRIFTED) == []


async def blocked(database: Database) -> None:
    """Return once some transaction waits for a lock of another."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    while not await value(database, waiting):
        await asyncio.sleep(0)
