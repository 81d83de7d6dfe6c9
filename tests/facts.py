"""What is true of one order in the end, without times and ids: two runs that did the same have equal facts."""

from typing import Any

from sqlalchemy import text

from store.database import Database

_FACTS = {
    "order": """
        SELECT status, payment_status, logistics_status, channel_status, raw_status, channel_time, currency,
            goods_minor, shop_discount_minor, platform_discount_minor, freight_minor, total_minor, paid_minor,
            refunded_minor, paid_at, signed_at, close_reason, wait_for, hold_reason, stuck, stuck_reason,
            late_stage, closed_at IS NOT NULL AS closed, shipped_at IS NOT NULL AS left_house
        FROM orders WHERE key = :key""",
    "lines": "SELECT line_no, sku, quantity, amount_minor FROM order_line WHERE order_key = :key",
    "reservations": "SELECT line_no, sku, quantity, state FROM reservation WHERE order_key = :key",
    "fulfillments": "SELECT no, warehouse, carrier, state, stage, wms_ref FROM fulfillment WHERE order_key = :key",
    "allocations": "SELECT line_no, sku, quantity, shipped, state FROM allocation WHERE order_key = :key",
    "confirms": """
        SELECT confirm_id, final, booked_at IS NOT NULL AS booked
        FROM shipment_confirm WHERE fulfillment_no IN (SELECT no FROM fulfillment WHERE order_key = :key)""",
    "parcels": """
        SELECT carrier, waybill_no, state, raw_state, raw_substate, signed_at, heard_at, items::text
        FROM parcel WHERE order_key = :key""",
    "traces": """
        SELECT t.carrier, t.waybill_no, t.at, t.text_index, t.location, t.raw_code
        FROM trace t JOIN parcel p USING (carrier, waybill_no) WHERE p.order_key = :key""",
    "calls": "SELECT kind, vendor, shop, key FROM outgoing WHERE order_key = :key",
    "movements": """
        SELECT m.key, m.warehouse, m.sku, m.quantity, m.reason FROM stock_movement m
        WHERE m.key LIKE ANY (SELECT 'ship:' || no || ':%' FROM fulfillment WHERE order_key = :key)""",
    "alerts": "SELECT kind, level FROM alert WHERE subject = :key AND cleared_at IS NULL",
}
_STOCK = "SELECT sku, on_hand, reserved, allocated FROM sku_stock"


async def facts_of(database: Database, key: str) -> dict[str, list[str]]:
    """Read everything that must not depend on when and how often we were told."""
    found: dict[str, list[str]] = {}
    async with database.transaction() as tx:
        for name, statement in _FACTS.items():
            found[name] = sorted(str(tuple(row)) for row in await tx.execute(text(statement), {"key": key}))
    return found


async def facts_without_number(database: Database, no: str) -> dict[str, list[str]]:
    """Read an order's facts with its number left out, so that they can be compared with another order's."""
    facts = await facts_of(database, f"own:s:{no}")
    return {name: sorted(row.replace(no, "NO") for row in rows) for name, rows in facts.items()}


async def stock_of(database: Database) -> list[tuple[Any, ...]]:
    """Read the counters of every SKU."""
    async with database.transaction() as tx:
        return sorted(tuple(row) for row in await tx.execute(text(_STOCK)))
