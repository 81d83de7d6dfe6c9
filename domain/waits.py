"""What an order waits for, since when, until when, and what comes next. One pure table, stored with the last fact."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class WaitFor(StrEnum):
    """Everything an order can wait for."""

    START = "start"
    PAYMENT = "payment"
    LATE_PAYMENT = "late_payment"
    BALANCE = "balance"
    CHANNEL = "channel"
    PRESALE = "presale"
    STOCK = "stock"
    BREAKER = "breaker"
    WAREHOUSE = "warehouse"
    SHIPMENT = "shipment"
    SIGNATURE = "signature"
    SETTLEMENT = "settlement"
    RECALL = "recall"
    OPERATOR = "operator"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Words:
    """What a wait is called and what follows, for people."""

    what: str
    next: str
    overdue: str


LATE = "late: the ship-by time has passed"

WORDS: dict[WaitFor, Words] = {
    WaitFor.START: Words("its workflow to start", "it starts by itself", "is the worker running? see oms doctor"),
    WaitFor.PAYMENT: Words("the buyer to pay", "stock is allocated to a warehouse", "the stock lock ends"),
    WaitFor.LATE_PAYMENT: Words(
        "a late payment; its stock is free again", "honoured if stock is left", "the order closes"
    ),
    WaitFor.BALANCE: Words(
        "the buyer to pay the balance; the deposit is paid and the goods are held", "it is planned", "the order closes"
    ),
    WaitFor.PRESALE: Words(
        "presale goods to arrive; it is paid and they are promised to it", "it is planned by itself", LATE
    ),
    WaitFor.CHANNEL: Words(
        "the channel to allow shipping; it is paid and its stock is reserved",
        "it is planned by itself",
        "ask the channel",
    ),
    WaitFor.STOCK: Words(
        "stock of an item that is sold out",
        "planned by itself when there is stock, oldest first",
        "an operator decides",
    ),
    WaitFor.BREAKER: Words(
        "the sale of an item to go on that is stopped", "planned by itself then, oldest first", "an operator decides"
    ),
    WaitFor.WAREHOUSE: Words(
        "the warehouse system to take the order", "the warehouse picks", "late: the ship-by time has passed"
    ),
    WaitFor.SHIPMENT: Words("the warehouse to ship", "the courier carries it", LATE),
    WaitFor.SIGNATURE: Words("the courier to deliver", "the settlement wait", "ask the courier where the parcel is"),
    WaitFor.SETTLEMENT: Words("the settlement wait after signing", "completed", "completed"),
    WaitFor.RECALL: Words("the warehouse to give it back", "the order closes", "it ships: open a case"),
    WaitFor.OPERATOR: Words("an operator", "depends on the decision", "an operator decides"),
    WaitFor.NOTHING: Words("nothing", "nothing", "nothing"),
}


@dataclass(frozen=True, slots=True)
class Wait:
    """One wait of one order; `until` is None where nothing is due."""

    what: WaitFor
    since: datetime
    until: datetime | None = None

    def sentence(self) -> str:
        """Say it in one line, times in UTC."""
        words = WORDS[self.what]
        if self.what is WaitFor.NOTHING:
            return "Waits for nothing."
        due = f", until {_clock(self.until)}: {words.overdue}" if self.until else ""
        return f"Waits for {words.what} since {_clock(self.since)}{due}. Next: {words.next}."


def _clock(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S UTC")
