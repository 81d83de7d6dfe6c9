"""What an order's workflow remembers, and what follows from it. Owns no waiting: that is workflows/orders.py."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from domain.orders import OrderEvent
from workflows.decisions import Decision

ENDING = (OrderEvent.REFUNDED, OrderEvent.CANCELLED)
UNSTOCKED = "its stock was released by hand"
REDUCED = OrderEvent.REDUCED.value
PLAN_AGAIN = frozenset({UNSTOCKED, REDUCED})
"""Reasons to recall an order and plan it anew with what the facts say then."""
KNOWN = frozenset(event.value for event in OrderEvent)


@dataclass
class OrderState:
    """All that an order's workflow remembers beside its history."""

    seen: set[str] = field(default_factory=set)
    unbooked_shipments: int = 0
    unbooked_signatures: int = 0
    sent: list[str] = field(default_factory=list)
    late_stage: int = 0
    cancelled_by: str = ""
    held: str = ""
    parked: str = ""
    decision: Decision | None = None
    shipped: bool = False
    cancel_answer: str = ""
    late_end_noted: bool = False
    verdict: str = ""
    cleared: bool = False
    restocked: bool = False
    unstocked: bool = False
    converted: bool = False
    reduced: bool = False

    def note(self, event: str) -> None:
        """Take note of a known event."""
        if event in ENDING and event in self.seen:
            self.late_end_noted = False  # asked for again, by another case: whoever asks gets an answer
        self.seen.add(event)
        self.unbooked_shipments += event == OrderEvent.SHIPPED
        self.unbooked_signatures += event == OrderEvent.SIGNED
        self.cleared |= event == OrderEvent.CLEARED
        self.restocked |= event == OrderEvent.RESTOCKED
        self.unstocked |= event == OrderEvent.UNSTOCKED
        self.converted |= event == OrderEvent.CONVERTED
        self.reduced |= event == OrderEvent.REDUCED

    def look_anew(self) -> None:
        """Forget what was said before a look at the facts: it is among them."""
        self.cleared = self.restocked = self.unstocked = self.converted = self.reduced = False

    def paid(self) -> bool:
        """Say whether the whole price is paid."""
        return OrderEvent.PAID in self.seen

    def has_money(self) -> bool:
        """Say whether the price, or a deposit, is paid."""
        return self.paid() or OrderEvent.DEPOSIT in self.seen

    def has_shipment(self) -> bool:
        """Say whether something left that is not booked."""
        return self.unbooked_shipments > 0

    def has_signature(self) -> bool:
        """Say whether something was signed that is not booked."""
        return self.unbooked_signatures > 0

    def ended_late(self) -> bool:
        """Say whether somebody stopped the order, and nobody was told that it was too late."""
        return self.reduced or (self.stopping() != "" and not self.late_end_noted)

    def has_news_of_shipped(self) -> bool:
        """Say whether there is anything to do for an order that has left."""
        return self.has_signature() or self.has_news_of_signed()

    def has_news_of_signed(self) -> bool:
        """Say whether there is anything to do for an order that has arrived."""
        return self.has_shipment() or self.ended_late()

    def stopping(self) -> str:
        """Say why the order shall not ship; empty when nobody said so."""
        if self.cancelled_by:
            return f"cancelled by {self.cancelled_by}"
        ended = next((event.value for event in ENDING if event in self.seen), "")
        return ended or (UNSTOCKED if self.unstocked else REDUCED if self.reduced else "")

    def late_stages(self, ship_by: datetime | None, warning_seconds: float) -> list[tuple[int, datetime]]:
        """Give the deadlines still to come: 1 warns, 2 escalates."""
        if ship_by is None:
            return []
        warn = ship_by - timedelta(seconds=warning_seconds)
        return [(stage, at) for stage, at in ((1, warn), (2, ship_by)) if stage > self.late_stage]
