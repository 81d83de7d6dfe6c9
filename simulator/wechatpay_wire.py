"""WeChat Pay's wire format, the platform's side: what it checks, signs and seals. Owns no payments and no behaviour."""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from simulator.settings import Pay

Json = dict[str, Any]
SCHEME = "WECHATPAY2-SHA256-RSA2048"
TOLERANCE_SECONDS = 300
_PART = re.compile(r'(\w+)="([^"]*)"')


class No(Exception):
    """The platform's no: HTTP status, code and message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code)
        self.status, self.code, self.message = status, code, message


class Seal:
    """The keys of one merchant account and of the platform it is at."""

    def __init__(self, settings: Pay) -> None:
        self._settings = settings

    @cached_property
    def _merchant(self) -> RSAPublicKey:
        key = serialization.load_pem_public_key(self._settings.merchant_public_key.encode())
        assert isinstance(key, RSAPublicKey)  # noqa: S101  (settings.py has read it)
        return key

    @cached_property
    def _platform(self) -> list[tuple[str, RSAPrivateKey]]:
        keys = []
        for one in self._settings.platform_keys:
            key = serialization.load_pem_private_key(one.private_key.get_secret_value().encode(), None)
            assert isinstance(key, RSAPrivateKey)  # noqa: S101  (settings.py has read it)
            keys.append((one.serial, key))
        return keys

    def verify(self, method: str, target: str, authorization: str, body: bytes, at: datetime) -> None:
        """Check a call's Authorization over its very bytes; raises No."""
        scheme, _, rest = authorization.partition(" ")
        given = dict(_PART.findall(rest))
        if scheme != SCHEME or given.get("mchid") != self._settings.mchid:
            raise No(401, "SIGN_ERROR", "Authorization或商户号错误")
        if given.get("serial_no") != self._settings.serial_no:
            raise No(401, "SIGN_ERROR", "商户证书序列号有误")
        timestamp, nonce = given.get("timestamp", ""), given.get("nonce_str", "")
        if not timestamp.isdigit() or abs(at.timestamp() - int(timestamp)) > TOLERANCE_SECONDS:
            raise No(401, "SIGN_ERROR", "时间戳已过期")
        message = f"{method}\n{target}\n{timestamp}\n{nonce}\n".encode() + body + b"\n"
        try:
            signature = base64.b64decode(given.get("signature", ""), validate=True)
            self._merchant.verify(signature, message, PKCS1v15(), hashes.SHA256())
        except (InvalidSignature, binascii.Error):
            raise No(401, "SIGN_ERROR", "签名错误") from None

    def sign(self, body: bytes, at: datetime, turn: int) -> dict[str, str]:
        """Sign what the platform sends; its keys take turns, as while they rotate."""
        serial, key = self._platform[turn % len(self._platform)]
        timestamp, nonce = str(int(at.timestamp())), f"{turn:032x}"
        message = f"{timestamp}\n{nonce}\n".encode() + body + b"\n"
        signature = base64.b64encode(key.sign(message, PKCS1v15(), hashes.SHA256())).decode()
        return {
            "Content-Type": "application/json",
            "Wechatpay-Timestamp": timestamp,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Signature": signature,
            "Wechatpay-Serial": serial,
            "Wechatpay-Signature-Type": SCHEME,
        }

    def notice(self, event: tuple[str, str], kind: str, told: Json, at: str) -> bytes:
        """Write a notification (its id and event type) with its resource sealed under the APIv3 key."""
        number, event_type = event
        nonce = hashlib.sha256(number.encode()).hexdigest()[:12]
        key = self._settings.apiv3_key.get_secret_value().encode()
        text = json.dumps(told, ensure_ascii=False).encode()
        ciphertext = base64.b64encode(AESGCM(key).encrypt(nonce.encode(), text, kind.encode())).decode()
        resource = {
            "original_type": kind,
            "algorithm": "AEAD_AES_256_GCM",
            "ciphertext": ciphertext,
            "associated_data": kind,
            "nonce": nonce,
        }
        body = {"id": number, "create_time": at, "resource_type": "encrypt-resource", "event_type": event_type}
        return json.dumps(body | {"summary": "", "resource": resource}, ensure_ascii=False).encode()


def read(body: bytes) -> Json:
    """Read a call's JSON object; raises No."""
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise No(400, "INVALID_REQUEST", "请求内容不是JSON对象")
    return found


def field(data: Mapping[str, Any], name: str, kind: type) -> Any:
    """Give a field of one kind; raises No naming it."""
    value = data.get(name)
    if not isinstance(value, kind) or isinstance(value, bool) or value in ("", 0):
        raise No(400, "INVALID_REQUEST", f"参数{name}错误")
    return value
