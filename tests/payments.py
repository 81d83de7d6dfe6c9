"""A payment provider for tests: keeps books, pays once per number, and fails as it is told."""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime

from activities.ports import Courier, PaymentProvider, SalesChannel, Warehouse
from domain.errors import OmsError
from domain.observations import PaymentObserved, RefundObserved
from domain.payments import RefundAsk, RefundState
from tests.conftest import NOON

RAW = b'{"as": "received"}'


def payment(no: str = "T1", amount_minor: int = 1000, transaction_id: str = "", shop: str = "demo") -> PaymentObserved:
    """A notified payment of an own-shop order."""
    number = transaction_id or f"4200-{no}"
    return PaymentObserved("wechatpay", "pay", "own", shop, no, number, amount_minor, "CNY", NOON)


@dataclass
class FakeProvider:
    """Says of every new refund what `says` says; `failures` are raised one by one, before or after the work."""

    says: RefundState = RefundState.SUCCEEDED
    failures: list[OmsError] = field(default_factory=list)
    lost_answers: list[OmsError] = field(default_factory=list)
    paid: dict[str, PaymentObserved] = field(default_factory=dict)
    refunds: dict[str, RefundObserved] = field(default_factory=dict)
    payouts: Counter[str] = field(default_factory=Counter)
    asked: list[str] = field(default_factory=list)

    async def refund(self, ask: RefundAsk) -> tuple[RefundObserved, bytes]:
        self.asked.append("refund")
        if self.failures:
            raise self.failures.pop(0)
        if ask.no not in self.refunds:
            self.refunds[ask.no] = RefundObserved(
                provider="wechatpay",
                account="pay",
                channel="own",
                shop="demo",
                no=ask.trade_no,
                transaction_id=ask.transaction_id,
                refund_no=ask.no,
                refund_id=f"50300-{ask.no}",
                state=self.says,
                amount_minor=ask.amount_minor,
                succeeded_at=NOON if self.says is RefundState.SUCCEEDED else None,
            )
            self.payouts[ask.no] += self.says is RefundState.SUCCEEDED
        if self.lost_answers:
            raise self.lost_answers.pop(0)
        return self.refunds[ask.no], RAW

    async def query_refund(self, ask: RefundAsk) -> tuple[RefundObserved, bytes] | None:
        self.asked.append("query")
        return (self.refunds[ask.no], RAW) if ask.no in self.refunds else None

    async def query_payment(self, no: str) -> tuple[PaymentObserved, bytes] | None:
        self.asked.append("payment")
        return (self.paid[no], RAW) if no in self.paid else None

    def become(self, state: RefundState, at: datetime = NOON) -> RefundObserved:
        """Let the one refund come to this; gives what a notification would say."""
        ((no, one),) = self.refunds.items()
        self.refunds[no] = replace(one, state=state, succeeded_at=at if state is RefundState.SUCCEEDED else None)
        self.payouts[no] += state is RefundState.SUCCEEDED
        return self.refunds[no]


@dataclass
class OnlyPayments:
    """Vendors of whom only the payment provider is asked."""

    provider: FakeProvider

    async def payment_provider(self, vendor: str, code: str) -> PaymentProvider:
        assert (vendor, code) == ("wechatpay", "pay")
        return self.provider

    async def warehouse(self, vendor: str, code: str) -> Warehouse:
        raise AssertionError("no warehouse is asked here")

    async def courier(self, vendor: str, code: str) -> Courier:
        raise AssertionError("no courier is asked here")

    async def channel(self, vendor: str, code: str) -> SalesChannel:
        raise AssertionError("no channel is asked here")
