"""An order's facts as one story, oldest first: what happened, when, who did it, and the raw message it came with."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from store.reads.order_page import OrderPage


class Kind(StrEnum):
    """What an entry of the story is."""

    AUDIT = "audit"
    STAGE = "stage"
    SCAN = "scan"
    MESSAGE = "message"
    CALL = "call"
    ALERT = "alert"
    EVENT = "event"


@dataclass(frozen=True, slots=True)
class Happened:
    """One entry. `title` is a key for words ("order.planned", "stage.PICK", "call.done"), `detail` fills them.

    No entry holds personal data; `inbox_id` leads to the sealed message.
    """

    at: datetime
    kind: Kind
    title: str
    who: str = ""
    detail: dict[str, Any] = field(default_factory=dict)
    inbox_id: int | None = None


def timeline(page: OrderPage) -> list[Happened]:
    """Merge everything that happened to an order; at one time the cause stands before what it caused."""
    order = {kind: rank for rank, kind in enumerate([Kind.MESSAGE, Kind.STAGE, Kind.SCAN, Kind.AUDIT])}
    parts = (_messages, _stages, _scans, _audit, _calls, _alerts, _events)
    found = [happened for part in parts for happened in part(page)]
    return sorted(found, key=lambda one: (one.at, order.get(one.kind, len(order))))


def _messages(page: OrderPage) -> Iterator[Happened]:
    for one in page.messages:
        detail = {"way": one.way, "subject": one.subject, "state": one.state, "reason": one.reason}
        yield Happened(one.received_at, Kind.MESSAGE, f"message.{one.kind}", one.source, detail, one.inbox_id)


def _stages(page: OrderPage) -> Iterator[Happened]:
    warehouses = {one.no: one.warehouse for one in page.fulfillments}
    for one in page.reports:
        detail = {"fulfillment_no": one.fulfillment_no, "stage": one.stage}
        who = warehouses.get(one.fulfillment_no, "")
        yield Happened(one.reported_at, Kind.STAGE, f"stage.{one.stage}", who, detail, one.inbox_id)


def _scans(page: OrderPage) -> Iterator[Happened]:
    for one in page.scans:
        detail = {"waybill_no": one.waybill_no, "location": one.location, "raw_code": one.raw_code}
        yield Happened(one.at, Kind.SCAN, "scan", one.carrier, detail, one.inbox_id)


def _audit(page: OrderPage) -> Iterator[Happened]:
    for one in page.entries:
        yield Happened(one.at, Kind.AUDIT, one.action, one.actor, one.detail, one.inbox_id)


def _calls(page: OrderPage) -> Iterator[Happened]:
    for one in page.calls:
        detail = {"call": one.kind, "key": one.key, "attempts": one.attempts, "reason": one.reason}
        who = f"{one.vendor}/{one.shop}"
        yield Happened(one.created_at, Kind.CALL, "call.asked", who, detail)
        if one.done_at is not None:
            yield Happened(one.done_at, Kind.CALL, f"call.{one.state}", who, detail)


def _alerts(page: OrderPage) -> Iterator[Happened]:
    for one in page.alerts:
        detail = {"alert": one.kind, "level": one.level, "words": one.words}
        yield Happened(one.raised_at, Kind.ALERT, "alert.raised", "", detail)
        if one.cleared_at is not None:
            yield Happened(one.cleared_at, Kind.ALERT, "alert.cleared", "", detail)


def _events(page: OrderPage) -> Iterator[Happened]:
    for one in page.deliveries:
        if one.delivered_at is not None:
            detail = {"event": one.event, "attempts": one.attempts, "result": one.result}
            yield Happened(one.delivered_at, Kind.EVENT, f"event.{one.event}", "deliver", detail)
