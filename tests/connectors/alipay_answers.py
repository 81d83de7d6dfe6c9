"""The other side of Alipay for tests: a merchant account, signed answers, signed notifications."""

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

from connectors.inbound import Push
from connectors.payments.alipay import AlipayMerchant
from connectors.rsa_keys import private_key
from domain.payments import RefundAsk
from domain.shops import Role
from tests.connectors.worlds import OWN, Stranger, clock, push

VECTORS = json.loads((Path(__file__).parent / "alipay_vectors.json").read_text())
ASKED, ANSWERED, NOTIFIED = (VECTORS[f"alipay_{name}"] for name in ("request", "response", "notify"))
BUYER = "2088102116773037"
REFUND, REFUND_QUERY, QUERY = (f"alipay_trade_{name}_response" for name in ("refund", "fastpay_refund_query", "query"))

ALIPAY = replace(
    OWN,
    vendor="alipay",
    code="ali",
    role=Role.PAYMENT,
    endpoint_url="http://ali.example/gateway.do",
    key_id=NOTIFIED["form"]["app_id"],
    secrets=(),
    params={"seller_id": NOTIFIED["form"]["seller_id"], "shop": "own/mall"},
    sealed={"private_key": ASKED["app_private_key"], "alipay_public_key": ANSWERED["alipay_public_key"]},
)
ASK = RefundAsk("R-1", "D1", "2026112222001", 888, 1000, "CNY", asked_before=False)
TRADE: dict[str, Any] = {
    "code": "10000",
    "msg": "Success",
    "trade_no": "2026112222001",
    "out_trade_no": "D1",
    "trade_status": "TRADE_SUCCESS",
    "total_amount": "10.00",
    "send_pay_date": "2026-11-22 21:29:59",
    "buyer_user_id": BUYER,
}
TAKEN: dict[str, Any] = {
    "code": "10000",
    "msg": "Success",
    "trade_no": "2026112222001",
    "out_trade_no": "D1",
    "fund_change": "Y",
    "refund_fee": "8.88",
}
REFUNDED: dict[str, Any] = {
    "code": "10000",
    "msg": "Success",
    "trade_no": "2026112222001",
    "out_trade_no": "D1",
    "out_request_no": "R-1",
    "refund_status": "REFUND_SUCCESS",
    "refund_amount": "8.88",
    "total_amount": "10.00",
}
NONE_OF_IT = {"code": "10000", "msg": "Success"}
"""How a refund that Alipay does not have is answered."""
NOTICE = {
    "notify_time": "2026-11-22 21:30:00",
    "notify_type": "trade_status_sync",
    "notify_id": "N-1",
    "app_id": ALIPAY.key_id,
    "seller_id": ALIPAY.params["seller_id"],
    "buyer_id": BUYER,
    "charset": "utf-8",
    "version": "1.0",
    "trade_no": "2026112222001",
    "out_trade_no": "D1",
    "trade_status": "TRADE_SUCCESS",
    "total_amount": "10.00",
    "gmt_payment": "2026-11-22 21:29:59",
    "subject": "羽绒服 100%白鸭绒 A&B=C",
}
BACK = NOTICE | {"notify_id": "N-2", "out_biz_no": "R-1", "refund_fee": "8.88", "gmt_refund": "2026-11-22 21:29:59.123"}


@cache
def next_key() -> rsa.RSAPrivateKey:
    """Alipay's next key, for rotations."""
    return rsa.generate_private_key(65537, 2048)


def public_pem(key: rsa.RSAPrivateKey) -> str:
    """Write the public half."""
    kind = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, kind).decode()


def signature(text: bytes, key: rsa.RSAPrivateKey | None = None) -> str:
    """Sign as Alipay does."""
    private = key or private_key(ANSWERED["alipay_private_key"])
    return base64.b64encode(private.sign(text, PKCS1v15(), hashes.SHA256())).decode()


def says(name: str, told: Mapping[str, Any], key: rsa.RSAPrivateKey | None = None) -> httpx.Response:
    """Answer a call, signed; blanks and line feeds show that the very text counts."""
    text = json.dumps(told, ensure_ascii=False, indent=1)
    body = f'{{"{name}":{text},"sign":"{signature(text.encode(), key)}"}}'
    return httpx.Response(200, content=body.encode())


def refuses(code: str, sub_code: str = "", message: str = "", name: str = "error_response") -> httpx.Response:
    """Answer with an error, unsigned."""
    return httpx.Response(200, json={name: {"code": code, "msg": "No", "sub_code": sub_code, "sub_msg": message}})


def signed(form: Mapping[str, str], key: rsa.RSAPrivateKey | None = None, *, with_type: bool = False) -> dict[str, str]:
    """Sign a notification; some messages count `sign_type` in."""
    counted = dict(form) | ({"sign_type": "RSA2"} if with_type else {})
    text = "&".join(f"{name}={counted[name]}" for name in sorted(counted) if counted[name])
    return dict(form) | {"sign_type": "RSA2", "sign": signature(text.encode(), key)}


def notified(form: Mapping[str, str], key: rsa.RSAPrivateKey | None = None) -> Push:
    """Send a signed notification."""
    return push(urlencode(signed(form, key)).encode())


def merchant(stranger: Stranger) -> AlipayMerchant:
    """The caller of the account."""
    return AlipayMerchant(ALIPAY, stranger.client(), clock)
