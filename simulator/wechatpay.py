"""WeChat Pay: takes the own shop's buyers' money, pays it back, and tells. Owns the books of both.

A refund is known by its `out_refund_no`: the same number pays once. The shop gives back what its own buyers call off
under numbers of its own and hears of those itself; only refunds that were asked for with a `notify_url` are notified.
"""

import re
from collections.abc import Mapping
from random import Random

from simulator.clock import now
from simulator.sending import Request, Sender
from simulator.settings import Pay, Profile
from simulator.tally import Tasks
from simulator.till import Notice, Overdrawn, Payment, Refund, Till
from simulator.wechatpay_wire import Json, No, Seal, field, read

PAYMENTS, REFUNDS = "/v3/pay/transactions/out-trade-no/", "/v3/refund/domestic/refunds"
_NUMBER = re.compile(r"[0-9A-Za-z_\-|*@]{1,64}", re.ASCII)


class WechatPay(Till):
    """One merchant account with its payments and refunds."""

    vendor = "wechatpay"

    def __init__(self, settings: Pay, url: str, sender: Sender, tasks: Tasks, world: tuple[Profile, int]) -> None:
        super().__init__(settings.shop, url, sender, tasks, world)
        self.settings = settings
        self._seal = Seal(settings)
        self._turns = 0

    def _names(self, source: Random) -> tuple[str, str]:
        number = f"42000{source.randrange(10**23):023d}"
        return number, f"o{source.randrange(16**27):027x}"

    def _refund_id(self, n: int) -> str:
        return f"50300{n:020d}"

    # -- what the merchant asks --------------------------------------------------------------------------------------

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Json]:
        """Answer one call, checked; errors in the vendor's words."""
        try:
            self._seal.verify(method, target, headers.get("authorization", ""), body, now())
            path = target.partition("?")[0]
            if self._limited():
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
        payment = self._paid_as(transaction)
        if payment is None:
            raise No(404, "RESOURCE_NOT_EXISTS", "订单不存在")
        if total != payment.amount_minor or amount.get("currency") != "CNY":
            raise No(400, "INVALID_REQUEST", "订单金额不一致")
        refund = self.refunds.get(number)
        if refund is None:
            refund = self._first(payment, number, minor, str(data.get("notify_url") or ""))
        elif (refund.payment, refund.amount_minor) != (payment, minor):
            raise No(400, "INVALID_REQUEST", "同一商户退款单号的参数与首次请求不一致")
        refund.asked += 1
        return self._told(refund)

    def _first(self, payment: Payment, number: str, minor: int, notify_url: str) -> Refund:
        try:
            return self._merchants(payment, number, minor, notify_url)
        except Overdrawn as error:
            if error.empty:
                raise No(403, "NOT_ENOUGH", "基本账户余额不足") from None
            raise No(400, "INVALID_REQUEST", "退款金额超过可退金额") from None

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
            "payer": {"openid": payment.payer},
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

    def _payment_notice(self, payment: Payment) -> Notice:
        told = self._transaction(payment) | {"trade_state": "SUCCESS"}
        return self._notice(f"EV-P-{payment.transaction_id}", "TRANSACTION.SUCCESS", told)

    def _refund_notice(self, refund: Refund) -> Notice | None:
        if refund.by == "shop" or not refund.notify_url:
            return None
        told = {name: value for name, value in self._told(refund).items() if name != "status"}
        told |= {"mchid": self.settings.mchid, "refund_status": refund.status}
        return self._notice(f"EV-R-{refund.refund_id}", "REFUND.SUCCESS", told)

    def _notice(self, number: str, event: str, told: Json) -> Notice:
        kind = "refund" if event.startswith("REFUND") else "transaction"
        body = self._seal.notice((number, event), kind, told, now().isoformat(timespec="seconds"))
        return Notice(number, lambda: Request(self._url, self.signed(body), body))
