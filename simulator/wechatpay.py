"""WeChat Pay: takes the own shop's buyers' money, pays it back, and tells. Owns the books of both.

A refund is known by its `out_refund_no`: the same number pays once. The shop gives back what its own buyers call off
under numbers of its own and hears of those itself; only refunds that were asked for with a `notify_url` are notified.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import httpx

from simulator.clock import now
from simulator.seeds import Lots, rng
from simulator.sending import Letter, Request, Sender, Verdict, verdict_of_status
from simulator.settings import Pay, Profile
from simulator.shop import ShopOrder
from simulator.tally import Tasks
from simulator.wechatpay_wire import Json, No, Seal, field, read

PAYMENTS, REFUNDS = "/v3/pay/transactions/out-trade-no/", "/v3/refund/domestic/refunds"
_NUMBER = re.compile(r"[0-9A-Za-z_\-|*@]{1,64}", re.ASCII)


@dataclass
class Payment:
    """What a buyer paid; `back_minor` is given back or on its way."""

    no: str
    transaction_id: str
    amount_minor: int
    openid: str
    at: datetime
    back_minor: int = 0


@dataclass
class Refund:
    """One refund; `asked` counts the calls for it, `payouts` how often its money left."""

    no: str
    payment: Payment
    amount_minor: int
    refund_id: str
    by: str
    notify_url: str = ""
    status: str = "PROCESSING"
    at: datetime | None = None
    asked: int = 0
    payouts: int = 0


class WechatPay:
    """One merchant account with its payments and refunds."""

    def __init__(self, settings: Pay, url: str, sender: Sender, tasks: Tasks, world: tuple[Profile, int]) -> None:
        self.settings = settings
        self.payments: dict[str, Payment] = {}
        self.refunds: dict[str, Refund] = {}
        self.paid_back: Callable[[str, int], None] = lambda _no, _minor: None
        self._url = f"{url}/in/wechatpay/{settings.shop}"
        self._sender = sender
        self._tasks = tasks
        self._profile, self._seed = world
        self._lost = Lots(self._seed, "lost notice", self._profile.notify_lost_share)
        self._limits = Lots(self._seed, "payment limit", self._profile.limit_share)
        self._seal = Seal(settings)
        self._turns = 0

    # -- what the shop and its buyers do ------------------------------------------------------------------------------

    def note(self, order: ShopOrder) -> None:
        """Take the buyer's money when the shop has it, and give back what the shop gave back by itself."""
        if not order.paid_minor or order.deposit_at:  # deposits and their balances are paid at the shop itself
            return
        payment = self.payments.get(order.plan.no)
        if payment is None:
            payment = self._take(order)
        gap = order.refunded_minor - payment.back_minor
        if gap > 0:
            refund = self._open(payment, f"SHOP-{payment.no}-{len(self.refunds) + 1}", gap, by="shop")
            self._pay_out(refund)

    def _take(self, order: ShopOrder) -> Payment:
        no, source = order.plan.no, rng(self._seed, "payment", order.plan.no)
        number = f"42000{source.randrange(10**23):023d}"
        openid = f"o{source.randrange(16**27):027x}"
        payment = Payment(no, number, order.paid_minor, openid, order.paid_at or now())
        self.payments[no] = payment
        if self._lost.draw():
            self._sender.count("payment_notices_lost")
        else:
            pause = source.uniform(0, self._profile.notify_within)
            self._tasks.spawn(self._notify(f"EV-P-{number}", "TRANSACTION.SUCCESS", self._transaction(payment), pause))
        return payment

    # -- what the merchant asks --------------------------------------------------------------------------------------

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Json]:
        """Answer one call, checked; errors in the vendor's words."""
        try:
            self._seal.verify(method, target, headers.get("authorization", ""), body, now())
            path = target.partition("?")[0]
            if self._limits.draw():
                self._sender.count("payment_limited")
                raise No(429, "FREQUENCY_LIMITED", "频率超限")
            if method == "POST" and path == REFUNDS:
                return 200, self._refund(read(body))
            if method == "GET" and path.startswith(f"{REFUNDS}/"):
                return 200, self._told(self._known(path.removeprefix(f"{REFUNDS}/")))
            if method == "GET" and path.startswith(PAYMENTS):
                return 200, self._query(path.removeprefix(PAYMENTS), target)
            raise No(404, "RESOURCE_NOT_EXISTS", "请求的资源不存在")
        except No as no:
            self._sender.count(f"payment_answered_{no.code}")
            return no.status, {"code": no.code, "message": no.message}

    def signed(self, body: bytes) -> dict[str, str]:
        """Sign an answer."""
        self._turns += 1
        return self._seal.sign(body, now(), self._turns)

    def _query(self, no: str, target: str) -> Json:
        if f"mchid={self.settings.mchid}" not in target:
            raise No(400, "INVALID_REQUEST", "参数mchid错误")
        if no not in self.payments:
            raise No(404, "ORDER_NOT_EXIST", "订单不存在")
        return self._transaction(self.payments[no])

    def _refund(self, data: Json) -> Json:
        number, transaction = field(data, "out_refund_no", str), field(data, "transaction_id", str)
        amount = field(data, "amount", dict)
        minor, total = field(amount, "refund", int), field(amount, "total", int)
        if not _NUMBER.fullmatch(number):
            raise No(400, "INVALID_REQUEST", "参数out_refund_no错误")
        payment = next((one for one in self.payments.values() if one.transaction_id == transaction), None)
        if payment is None:
            raise No(404, "RESOURCE_NOT_EXISTS", "订单不存在")
        if total != payment.amount_minor or amount.get("currency") != "CNY":
            raise No(400, "INVALID_REQUEST", "订单金额不一致")
        refund = self.refunds.get(number)
        if refund is None:
            refund = self._open(payment, number, minor, by="merchant")
            refund.notify_url = str(data.get("notify_url") or "")
            self._carry_out(refund)
        elif (refund.payment, refund.amount_minor) != (payment, minor):
            raise No(400, "INVALID_REQUEST", "同一商户退款单号的参数与首次请求不一致")
        refund.asked += 1
        return self._told(refund)

    def _open(self, payment: Payment, number: str, minor: int, *, by: str) -> Refund:
        if minor > payment.amount_minor - payment.back_minor:
            raise No(400, "INVALID_REQUEST", "退款金额超过可退金额")
        payment.back_minor += minor
        refund = Refund(number, payment, minor, f"50300{len(self.refunds) + 1:020d}", by)
        self.refunds[number] = refund
        return refund

    def _carry_out(self, refund: Refund) -> None:
        source = rng(self._seed, "refund", refund.no)
        if source.random() < self._profile.refund_processing_share:
            self._sender.count("refunds_processing")
            self._tasks.spawn(self._later(refund))
        else:
            self._pay_out(refund)

    async def _later(self, refund: Refund) -> None:
        await asyncio.sleep(self._profile.refund_processing_seconds)
        self._pay_out(refund)

    def _pay_out(self, refund: Refund) -> None:
        refund.status, refund.at = "SUCCESS", now()
        refund.payouts += 1
        if refund.by == "shop":
            return
        self.paid_back(refund.payment.no, refund.amount_minor)
        if not refund.notify_url:
            return
        if self._lost.draw():
            self._sender.count("payment_notices_lost")
            return
        told = {name: value for name, value in self._told(refund).items() if name != "status"}
        told |= {"mchid": self.settings.mchid, "refund_status": refund.status}
        self._tasks.spawn(self._notify(f"EV-R-{refund.refund_id}", "REFUND.SUCCESS", told, 0.0))

    def _known(self, number: str) -> Refund:
        if number not in self.refunds:
            raise No(404, "RESOURCE_NOT_EXISTS", "退款单不存在")
        return self.refunds[number]

    # -- what is told --------------------------------------------------------------------------------------------------

    def _transaction(self, payment: Payment) -> Json:
        return {
            "mchid": self.settings.mchid,
            "appid": "wx0000000000000000",
            "out_trade_no": payment.no,
            "transaction_id": payment.transaction_id,
            "trade_type": "JSAPI",
            "trade_state": "REFUND" if payment.back_minor else "SUCCESS",
            "bank_type": "OTHERS",
            "success_time": payment.at.isoformat(timespec="seconds"),
            "payer": {"openid": payment.openid},
            "amount": {
                "total": payment.amount_minor,
                "payer_total": payment.amount_minor,
                "currency": "CNY",
                "payer_currency": "CNY",
            },
        }

    def _told(self, refund: Refund) -> Json:
        total, minor = refund.payment.amount_minor, refund.amount_minor
        told: Json = {
            "refund_id": refund.refund_id,
            "out_refund_no": refund.no,
            "transaction_id": refund.payment.transaction_id,
            "out_trade_no": refund.payment.no,
            "channel": "ORIGINAL",
            "user_received_account": "支付用户零钱",
            "create_time": now().isoformat(timespec="seconds"),
            "status": refund.status,
            "amount": {"total": total, "refund": minor, "payer_total": total, "payer_refund": minor, "currency": "CNY"},
        }
        return told | ({"success_time": refund.at.isoformat(timespec="seconds")} if refund.at else {})

    async def _notify(self, number: str, event: str, told: Json, pause: float) -> None:
        """Send a notification until it is taken, doubled if chance says so."""
        await asyncio.sleep(pause)
        kind = "refund" if event.startswith("REFUND") else "transaction"
        told = told | ({"trade_state": "SUCCESS"} if kind == "transaction" else {})
        body = self._seal.notice((number, event), kind, told, now().isoformat(timespec="seconds"))

        def sign() -> Request:
            return Request(self._url, self.signed(body), body)

        lane = self._sender.lane("payment")
        lane.post(Letter("payment", number, sign, _read))
        await lane.empty()


def _read(response: httpx.Response) -> Verdict:
    return verdict_of_status(response.status_code)
