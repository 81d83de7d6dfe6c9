"""Money that buyers paid and that goes back to them. Owns the words of payments and refunds, and their names.

Amounts are minor units of the payment's currency. A refund's key says what it is for, so that it exists once.
"""

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum

READABLE = 16
_UNFIT = re.compile(r"[^0-9A-Za-z]", re.ASCII)


class RefundState(StrEnum):
    """What a payment provider says of a refund.

    CLOSED: it will not be carried out. ABNORMAL: the buyer's account does not take it; somebody acts at the provider.
    """

    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    CLOSED = "closed"
    ABNORMAL = "abnormal"


@dataclass(frozen=True, slots=True)
class RefundAsk:
    """One refund to be asked for. `no` is its number at the provider, `total_minor` the whole payment.

    `asked_before`: it may have been sent already, and nobody knows what came of it.
    """

    no: str
    trade_no: str
    transaction_id: str
    amount_minor: int
    total_minor: int
    currency: str
    asked_before: bool


def refund_key(order_key: str, n: int) -> str:
    """Name the nth refund of an order for ever."""
    return f"refund:{order_key}:{n}"


def refund_no(key: str) -> str:
    """Number a refund for a provider: letters, digits and `-`, at most 52 characters, the same for the same key.

    The hash makes it unique whatever characters had to go; the end of the key is there for people.
    """
    readable = _UNFIT.sub("-", key.removeprefix("refund:"))[-READABLE:].strip("-")
    return f"R-{readable}-{hashlib.sha256(key.encode()).hexdigest()[:32]}"


def owed(paid_minor: int, refunded_minor: int, payment_minor: int, going_back_minor: int) -> int:
    """Say how much of a payment still has to go back for an order that will not ship; never more than was paid.

    What the channel says it gave back counts (`refunded_minor`), and so do our own refunds of this payment.
    """
    return max(0, min(paid_minor - refunded_minor, payment_minor - going_back_minor))


@dataclass(frozen=True, slots=True)
class Taken:
    """What a payment must fit: the amount that is due, its currency, and the payment that was taken before, if any."""

    due_minor: int
    currency: str
    transaction_id: str = ""


def misfit(taken: Taken, transaction_id: str, amount_minor: int, currency: str) -> str:
    """Say in words what is wrong with a payment of an order; empty when it is what is due, for the first time."""
    if taken.transaction_id and taken.transaction_id != transaction_id:
        return f"paid a second time (transaction {transaction_id})"
    if (amount_minor, currency) != (taken.due_minor, taken.currency):
        return f"paid {amount_minor} {currency}, but {taken.due_minor} {taken.currency} are due (minor units)"
    return ""
