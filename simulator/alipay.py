"""Alipay: takes the own shop's buyers' money, pays it back, and tells. Owns its methods; the books are the till's.

A refund is known by its `out_request_no`: a repeat is a success that moves no fund. What is still under way the
question about it does not show. Every refund is told as one more notification of its trade, whoever asked for it.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from functools import cached_property
from random import Random
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from simulator import settings as given
from simulator.clock import now
from simulator.sending import Request, Sender, Verdict
from simulator.settings import Profile
from simulator.tally import Tasks
from simulator.till import Notice, Overdrawn, Payment, Refund, Till

Json = dict[str, Any]
CHINA = timezone(timedelta(hours=8))
COMMON = ("app_id", "method", "charset", "sign_type", "sign", "timestamp", "version", "biz_content")
TOLERANCE = timedelta(minutes=10)


class _No(Exception):
    """Alipay's no: code, sub_code and words."""

    def __init__(self, code: str, sub_code: str, words: str) -> None:
        super().__init__(sub_code)
        self.told = {"code": code, "msg": "Business Failed", "sub_code": sub_code, "sub_msg": words}


class Alipay(Till):
    """One application with the trades of its merchant."""

    vendor, lots = "alipay", " alipay"

    def __init__(
        self, settings: given.Alipay, url: str, sender: Sender, tasks: Tasks, world: tuple[Profile, int]
    ) -> None:
        super().__init__(settings.shop, url, sender, tasks, world)
        self.settings = settings
        self._turns = 0
        self._methods = {
            "alipay.trade.query": self._query,
            "alipay.trade.refund": self._refund,
            "alipay.trade.fastpay.refund.query": self._refund_query,
        }

    def _names(self, source: Random) -> tuple[str, str]:
        return f"2026{source.randrange(10**24):024d}", f"2088{source.randrange(10**12):012d}"

    def _refund_id(self, n: int) -> str:
        return f"refund {n}"

    # -- calls -------------------------------------------------------------------------------------------------------

    def answer(self, body: bytes) -> bytes:
        """Answer one call, checked and signed; errors in the vendor's words."""
        form = dict(parse_qsl(body.decode(), keep_blank_values=True))
        try:
            told = {"code": "10000", "msg": "Success"} | self._carried_out(form)
        except _No as no:
            self._sender.count(f"payment_answered_{no}")
            told = no.told
        text = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
        name = form.get("method", "").replace(".", "_") + "_response"
        return f'{{"{name}":{text},"sign":"{self._signature(text.encode())}"}}'.encode()

    def _carried_out(self, form: Mapping[str, str]) -> Json:
        self._check(form)
        if self._limited():
            raise _No("20000", "isp.unknow-error", "系统繁忙")
        method = self._methods.get(form["method"])
        if method is None:
            raise _No("40002", "isv.invalid-method", "不存在的方法名")
        try:
            asked = json.loads(form["biz_content"])
        except ValueError:
            raise _No("40002", "isv.invalid-parameter", "biz_content不是JSON") from None
        return method({name: str(value) for name, value in asked.items()})

    def _check(self, form: Mapping[str, str]) -> None:
        for name in COMMON:
            if not form.get(name):
                raise _No("40001", f"isv.missing-{name.replace('_', '-')}", f"缺少{name}")
        if (form["app_id"], form["sign_type"], form["version"]) != (self.settings.app_id, "RSA2", "1.0"):
            raise _No("40002", "isv.invalid-app-id", "无效的AppID参数")
        text = "&".join(f"{name}={form[name]}" for name in sorted(form) if name != "sign" and form[name])
        try:
            signature = base64.b64decode(form["sign"], validate=True)
            self._merchant.verify(signature, text.encode(), PKCS1v15(), hashes.SHA256())
        except (InvalidSignature, binascii.Error):
            raise _No("40002", "isv.invalid-signature", "无效签名") from None
        if abs(now() - _moment(form["timestamp"])) > TOLERANCE:
            raise _No("40002", "isv.invalid-timestamp", "非法的时间戳参数")

    def _found(self, asked: Mapping[str, str]) -> Payment:
        by_number = self._paid_as(asked["trade_no"]) if asked.get("trade_no") else None
        payment = by_number or self.payments.get(asked.get("out_trade_no", ""))
        if payment is None:
            raise _No("40004", "ACQ.TRADE_NOT_EXIST", "交易不存在")
        return payment

    def _query(self, asked: Mapping[str, str]) -> Json:
        payment = self._found(asked)
        return _trade(payment) | {"send_pay_date": _stamp(payment.at), "buyer_user_id": payment.payer}

    def _refund(self, asked: Mapping[str, str]) -> Json:
        payment, number = self._found(asked), asked.get("out_request_no", "")
        minor = _fen(asked.get("refund_amount", ""))
        refund, fresh = self.refunds.get(number), False
        if refund is None:
            refund, fresh = self._first(payment, number or payment.no, minor), True
        elif (refund.payment, refund.amount_minor) != (payment, minor):
            raise _No("40004", "ACQ.REASON_TRADE_REFUND_FEE_ERR", "退款金额与首次请求不一致")
        refund.asked += 1
        change = {"fund_change": "Y" if fresh else "N", "refund_fee": _yuan(payment.back_minor)}
        return {"trade_no": payment.transaction_id, "out_trade_no": payment.no} | change

    def _first(self, payment: Payment, number: str, minor: int) -> Refund:
        try:
            return self._merchants(payment, number, minor)
        except Overdrawn as error:
            if error.empty:
                raise _No("40004", "ACQ.SELLER_BALANCE_NOT_ENOUGH", "卖家余额不足") from None
            raise _No("40004", "ACQ.REASON_TRADE_REFUND_FEE_ERR", "退款金额超过可退金额") from None

    def _refund_query(self, asked: Mapping[str, str]) -> Json:
        payment, number = self._found(asked), asked.get("out_request_no", "")
        refund = self.refunds.get(number)
        if refund is None or refund.payment is not payment or refund.status != "SUCCESS":
            return {}
        return {
            "trade_no": payment.transaction_id,
            "out_trade_no": payment.no,
            "out_request_no": number,
            "total_amount": _yuan(payment.amount_minor),
            "refund_amount": _yuan(refund.amount_minor),
            "refund_status": "REFUND_SUCCESS",
        }

    # -- what is told ------------------------------------------------------------------------------------------------

    def _payment_notice(self, payment: Payment) -> Notice:
        return self._notice(f"{payment.transaction_id}222", payment, {"trade_status": "TRADE_SUCCESS"})

    def _refund_notice(self, refund: Refund) -> Notice:
        back = {"out_biz_no": refund.no, "refund_fee": _yuan(refund.amount_minor), "gmt_refund": _stamp(now()) + ".000"}
        return self._notice(f"{refund.payment.transaction_id}-{refund.no}", refund.payment, back)

    def _notice(self, number: str, payment: Payment, more: Json) -> Notice:
        form = _trade(payment) | {
            "notify_type": "trade_status_sync",
            "notify_id": number,
            "notify_time": _stamp(now()),
            "app_id": self.settings.app_id,
            "auth_app_id": self.settings.app_id,
            "seller_id": self.settings.seller_id,
            "buyer_id": payment.payer,
            "charset": "utf-8",
            "version": "1.0",
            "subject": "订单 100% A&B=C",
            "gmt_create": _stamp(payment.at),
            "gmt_payment": _stamp(payment.at),
            "receipt_amount": _yuan(payment.amount_minor),
        }
        return Notice(number, lambda: self._posted(form | more))

    def _posted(self, form: Json) -> Request:
        text = "&".join(f"{name}={form[name]}" for name in sorted(form) if form[name])
        body = urlencode(form | {"sign_type": "RSA2", "sign": self._signature(text.encode())}).encode()
        return Request(self._url, {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}, body)

    def _read(self, response: httpx.Response) -> Verdict:
        verdict = super()._read(response)
        said = response.content == b"success"
        return Verdict.AGAIN if verdict is Verdict.ACCEPTED and not said else verdict

    # -- keys --------------------------------------------------------------------------------------------------------

    @cached_property
    def _merchant(self) -> RSAPublicKey:
        key = serialization.load_pem_public_key(self.settings.merchant_public_key.encode())
        assert isinstance(key, RSAPublicKey)  # noqa: S101  (settings.py has read it)
        return key

    @cached_property
    def _keys(self) -> list[RSAPrivateKey]:
        keys = []
        for pem in self.settings.platform_keys:
            key = serialization.load_pem_private_key(pem.get_secret_value().encode(), None)
            assert isinstance(key, RSAPrivateKey)  # noqa: S101  (settings.py has read it)
            keys.append(key)
        return keys

    def _signature(self, text: bytes) -> str:
        """Sign what Alipay sends; its keys take turns, as while they rotate."""
        self._turns += 1
        key = self._keys[self._turns % len(self._keys)]
        return base64.b64encode(key.sign(text, PKCS1v15(), hashes.SHA256())).decode()


def _trade(payment: Payment) -> Json:
    whole = payment.back_minor == payment.amount_minor
    return {
        "trade_no": payment.transaction_id,
        "out_trade_no": payment.no,
        "trade_status": "TRADE_CLOSED" if whole else "TRADE_SUCCESS",
        "total_amount": _yuan(payment.amount_minor),
    }


def _yuan(minor: int) -> str:
    return f"{Decimal(minor) / 100:.2f}"


def _fen(text: str) -> int:
    try:
        minor = Decimal(text) * 100
    except InvalidOperation:
        minor = Decimal("NaN")
    if not minor.is_finite() or minor <= 0 or minor != int(minor):
        raise _No("40004", "ACQ.INVALID_PARAMETER", "refund_amount错误")
    return int(minor)


def _stamp(at: datetime) -> str:
    return at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")


def _moment(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=CHINA).astimezone(UTC)
    except ValueError:
        raise _No("40002", "isv.invalid-timestamp", "非法的时间戳参数") from None
