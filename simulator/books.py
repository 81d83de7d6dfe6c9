"""The books: what the world knows to be true, written for the proof. Owns the shape, changes nothing."""

from collections.abc import Iterable
from typing import Any

from simulator.clock import iso
from simulator.listings import DEAF
from simulator.returns_routes import written
from simulator.shop import CALLED_OFF, ShopOrder
from simulator.warehouse import Fulfilment
from simulator.world import World

Json = dict[str, Any]
COUNTED = (
    "pushes_sent",
    "lists_answered",
    "lists_refused",
    "details_answered",
    "refunds_answered",
    "decrypts_answered",
    "write_backs",
    "write_backs_refused",
    "tokens_renewed",
    "limited",
)


def write_books(world: World) -> Json:
    """Write everything down as GET /sim/books shows it."""
    orders = world.shop.orders
    return {
        "seed": world.config.seed,
        "planned": len(world.plan.orders),
        "finished": world.finished(),
        "unfinished": world.unfinished(),
        "undelivered": world.tally.undelivered,
        "webhooks": world.tally.webhooks,
        "sum_minor": _sum_minor(orders.values()),
        "file_sum_minor": world.plan.file_sum_minor,
        "file_net_minor": world.plan.file_net_minor,
        "bundles": {bundle.sku: dict(bundle.parts) for bundle in world.plan.bundles},
        "supplies": write_supplies(world),
        "orders": {no: _order(world, order) for no, order in orders.items()},
        "warehouse": {code: _fulfilment(one) for code, one in world.warehouse.fulfilments.items()},
        "on_hand": world.warehouse.on_hand(),
        "cases": world.cases.written(),
        "entries": {code: {"creates": one.creates, **one.received} for code, one in world.inwards.entries.items()},
        "returns": [written(one) for one in (*world.inwards.returns.expected.values(), *world.inwards.returns.strays)],
        "parcels": _parcels(world),
        "shop_told": {no: dict(order.written_back) for no, order in orders.items() if order.written_back},
        "shops": {f"{channel}/{shop}": _shop(world, channel, shop) for channel, shop in world.shop.channels},
        **_money(world),
        "burst": world.burst.written() if world.burst else None,
        "messages": world.messages.written() if world.messages else None,
        "red_letters": {bill: one["blueElecInvoiceNumber"] for bill, one in world.nuonuo.drafts.items()}
        if world.nuonuo
        else {},
        "outages": [*world.faults.ongoing(), *world.listings.ongoing()],
        "faults": dict(+world.tally.faults),
        "refusals": list(world.tally.refusals),
    }


def write_progress(world: World) -> Json:
    """Write how far the world is, in a few figures: the books are long."""
    orders = world.shop.orders.values()
    return {
        "planned": len(world.plan.orders),
        "sent": sum(1 for order in orders if order.messages_sent),
        "acted": len(orders) >= len(world.plan.orders) and all(order.acted for order in orders),
        "signed": world.signed(),
        "undelivered": world.tally.undelivered,
        "outages": [*world.faults.ongoing(), *world.listings.ongoing()],
        "stock_outages_over": world.listings.over(),
        "faults": dict(+world.tally.faults),
        "supplies": write_supplies(world),
        "burst": world.burst.written() if world.burst else None,
        "finished": world.finished(),
        "unfinished": world.unfinished(),
    }


def write_catalogue(world: World) -> list[Json]:
    """Write what the shop sells and what lay in the warehouse at the start."""
    on_hand = world.plan.on_hand
    return [{**vars(product), "on_hand": on_hand[product.sku]} for product in world.plan.catalogue]


def write_bundles(world: World) -> list[Json]:
    """Write what the shop sells as one and the warehouse picks as several."""
    return [{**vars(bundle), "parts": dict(bundle.parts)} for bundle in world.plan.bundles]


def write_supplies(world: World) -> list[Json]:
    """Write what suppliers bring, when they said, and whether it is there."""
    arrived = world.supplier.arrived
    return [
        {"code": one.code, "sku": one.sku, "title": one.title, "units": one.units, "due_seconds": one.due}
        | {"arrived": one.code in arrived}
        for one in world.supplier.supplies
    ]


def _sum_minor(orders: Iterable[ShopOrder]) -> int:
    return sum(order.plan.basket.total_minor for order in orders if order.messages_sent)


def _shop(world: World, channel: str, shop: str) -> Json:
    counts = world.counts[channel, shop]
    orders = [one for one in world.shop.orders.values() if (one.plan.channel, one.plan.shop) == (channel, shop)]
    return {
        "orders": sum(1 for order in orders if order.messages_sent),
        **{name: counts[name] for name in COUNTED},
        "stock": None if channel in DEAF else world.listings.shelf((channel, shop)).written(),
    }


def _order(world: World, order: ShopOrder) -> Json:
    shop = world.shop.channels[order.plan.channel, order.plan.shop]
    return {
        "waybills": shop.waybills,
        "uncharged": shop.uncharged and order.status in CALLED_OFF,
        "channel": order.plan.channel,
        "shop": order.plan.shop,
        "status": order.status,
        "total_minor": order.plan.basket.total_minor,
        "paid_minor": order.paid_minor,
        "refunded_minor": order.refunded_minor,
        "net_minor": order.paid_minor - order.refunded_minor,
        "messages_sent": order.messages_sent,
        "accepted": order.accepted_messages > 0,
        "lines": [{"sku": line.sku, "quantity": line.quantity} for line in order.plan.basket.lines],
        "fate": order.plan.fate,
        "acted": order.acted,
        "ended_at": order.ended_at,
        "promised_again": order.promised_again,
        "refused_back": dict(order.refused_back),
    }


def _fulfilment(one: Fulfilment) -> Json:
    return {
        "creates": one.creates,
        "status": one.status,
        "shipments": one.shipments,
        "waybills": [package.waybill for package in one.packages],
        "units": dict(one.units),
    }


def _money(world: World) -> Json:
    """Write what the payment providers took and gave back; nothing in a world without one."""
    if not world.tills:
        return {}
    return {
        "payments": {
            no: {"transaction_id": one.transaction_id, "amount_minor": one.amount_minor}
            for till in world.tills
            for no, one in till.payments.items()
        },
        "refunds": {
            no: {
                "order_no": one.payment.no,
                "amount_minor": one.amount_minor,
                "status": one.status,
                "asked": one.asked,
                "payouts": one.payouts,
                "by": one.by,
            }
            for till in world.tills
            for no, one in till.refunds.items()
        },
    }


def _parcels(world: World) -> Json:
    return {
        waybill: {
            "order_no": parcel.order_no,
            "signed_at": iso(parcel.signed_at) if parcel.signed_at else None,
            "subscribed": world.courier.subscribed(parcel),
        }
        for waybill, parcel in world.courier.parcels.items()
    }
