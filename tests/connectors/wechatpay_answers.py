"""The other side of WeChat Pay for tests: a merchant account, signed answers, sealed notifications."""

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from connectors.inbound import Push
from connectors.payments.wechatpay import WechatpayMerchant
from connectors.rsa_keys import private_key
from domain.payments import RefundAsk
from domain.shops import Role
from tests.connectors.worlds import NOW, OWN, Stranger, clock, push

VECTORS = json.loads((Path(__file__).parent / "wechatpay_vectors.json").read_text())
ASKED, NOTIFIED = VECTORS["wechatpay_request"], VECTORS["wechatpay_notify"]
SERIAL = NOTIFIED["headers"]["Wechatpay-Serial"]
NEXT_SERIAL = "PUB_KEY_ID_0119000091912026112200000000000002"
APIV3 = NOTIFIED["apiv3_key"]
OPENID = "oUpF8uMEb4qRXf22hE3X68TekukE"


@cache
def next_key() -> rsa.RSAPrivateKey:
    """The platform's next key, for rotations."""
    return rsa.generate_private_key(65537, 2048)


def public_pem(key: rsa.RSAPrivateKey) -> str:
    """Write the public half."""
    kind = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, kind).decode()


PLATFORM_KEYS = f"{SERIAL}\n{NOTIFIED['platform_public_key']}"
WECHATPAY = replace(
    OWN,
    vendor="wechatpay",
    code="pay",
    role=Role.PAYMENT,
    endpoint_url="http://pay.example/",
    key_id="1900009191",
    secrets=(APIV3,),
    params={"serial_no": ASKED["serial_no"], "shop": "own/mall"},
    sealed={"private_key": ASKED["private_key"], "platform_keys": PLATFORM_KEYS},
)
ASK = RefundAsk("R-1", "D1", "4200001", 888, 1000, "CNY", asked_before=False)
PAID: dict[str, Any] = {
    "mchid": "1900009191",
    "appid": "wx1",
    "out_trade_no": "D1",
    "transaction_id": "4200001",
    "trade_type": "JSAPI",
    "trade_state": "SUCCESS",
    "success_time": "2026-11-22T21:29:59+08:00",
    "payer": {"openid": OPENID},
    "amount": {"total": 1000, "payer_total": 900, "currency": "CNY", "payer_currency": "CNY"},
}
REFUNDED: dict[str, Any] = {
    "out_trade_no": "D1",
    "transaction_id": "4200001",
    "out_refund_no": "R-1",
    "refund_id": "5030001",
    "user_received_account": "支付用户零钱",
    "success_time": "2026-11-22T21:29:59+08:00",
    "status": "SUCCESS",
    "amount": {"total": 1000, "refund": 888, "payer_total": 1000, "payer_refund": 888, "currency": "CNY"},
}


def signed(body: bytes, at: datetime = NOW, *, serial: str = SERIAL, key: Any = None) -> dict[str, str]:
    """Sign as the platform does; header names in lower case."""
    timestamp, nonce = str(int(at.timestamp())), "c5ac7061fccab6bf3e254dcf98995b8c"
    private = key or private_key(NOTIFIED["platform_private_key"])
    message = f"{timestamp}\n{nonce}\n".encode() + body + b"\n"
    return {
        "wechatpay-timestamp": timestamp,
        "wechatpay-nonce": nonce,
        "wechatpay-signature": base64.b64encode(private.sign(message, PKCS1v15(), hashes.SHA256())).decode(),
        "wechatpay-serial": serial,
    }


def sealed(told: Mapping[str, Any], apiv3_key: str = APIV3) -> dict[str, str]:
    """Seal a resource."""
    text = json.dumps(told, ensure_ascii=False).encode()
    box = AESGCM(apiv3_key.encode()).encrypt(b"fdasflkja484", text, b"transaction")
    return {
        "original_type": "transaction",
        "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": base64.b64encode(box).decode(),
        "associated_data": "transaction",
        "nonce": "fdasflkja484",
    }


def notice(told: Mapping[str, Any], event: str = "TRANSACTION.SUCCESS", **more: Any) -> bytes:
    """Write a notification."""
    body = {"id": "EV-1", "create_time": "2026-11-22T21:30:00+08:00", "resource_type": "encrypt-resource"}
    return json.dumps(body | {"event_type": event, "summary": "", "resource": sealed(told)} | more).encode()


def notified(told: Mapping[str, Any], event: str = "TRANSACTION.SUCCESS", **more: Any) -> Push:
    """Send a signed notification."""
    body = notice(told, event, **more)
    return push(body, headers=signed(body))


def says(told: Mapping[str, Any], status: int = 200, **more: Any) -> httpx.Response:
    """Answer a call, signed."""
    body = json.dumps(told, ensure_ascii=False).encode()
    return httpx.Response(status, content=body, headers=signed(body, **more))


def refuses(code: str, status: int = 400, message: str = "") -> httpx.Response:
    """Answer with an error."""
    return says({"code": code, "message": message}, status)


def merchant(stranger: Stranger) -> WechatpayMerchant:
    """The caller of the account."""
    return WechatpayMerchant(WECHATPAY, stranger.client(), clock)
