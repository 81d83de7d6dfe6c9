"""WeChat Pay's cryptography: request signatures, the proof of what it sends, sealed notifications. No I/O.

Requests: RSA-SHA256 (PKCS#1 v1.5) over five lines, each ended by a line feed. What WeChat Pay sends is signed over
three lines with the key that `Wechatpay-Serial` names, so that two keys may be valid while they rotate. Resources of
notifications are AES-256-GCM under the APIv3 key, the tag at the end.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from connectors import fields, rsa_keys
from domain.errors import Broken, Forged
from domain.shops import Shop

SCHEME = "WECHATPAY2-SHA256-RSA2048"
TIMESTAMP, NONCE, SIGNATURE, SERIAL = (f"wechatpay-{name}" for name in ("timestamp", "nonce", "signature", "serial"))
WINDOW = timedelta(minutes=5)
"""The vendor's own rule for what is too old, or too far ahead."""
APIV3_KEY_BYTES = 32
KEYS_CACHED = 32
_SECONDS = re.compile(r"\d{9,11}", re.ASCII)


def lines(*parts: str) -> bytes:
    """Write what is signed: every part in a line of its own, the last one ended as well."""
    return "".join(f"{part}\n" for part in parts).encode("utf-8", "replace")


@lru_cache(KEYS_CACHED)
def platform_keys(text: str) -> Mapping[str, RSAPublicKey]:
    """Read the platform's public keys by serial: each PEM block follows a line with the id of its key.

    A certificate may stand without one: its own number is the serial. ValueError says what is wrong.
    """
    found: dict[str, RSAPublicKey] = {}
    for name, number, key in rsa_keys.public_blocks(text):
        serial = name or number
        if not serial:
            raise ValueError("a public key has no id: write PUB_KEY_ID_... in the line before its PEM")
        found[serial] = key
    if not found:
        raise ValueError("no public key or certificate in PEM")
    return found


def sign(shop: Shop, message: bytes) -> str:
    """Sign with the merchant's private key; base64. Broken when the account has none that can be read."""
    try:
        key = rsa_keys.private_key(shop.sealed.get("private_key", ""))
    except ValueError as error:
        raise Broken(f"shop {shop.code} ({shop.vendor}), private_key: {error}") from error
    return base64.b64encode(key.sign(message, PKCS1v15(), hashes.SHA256())).decode()


def authorization(shop: Shop, request: tuple[str, str, bytes], timestamp: str, nonce: str) -> str:
    """Write the Authorization header of a request: method, path with its query, body (empty for GET)."""
    method, path, body = request
    message = lines(method, path, timestamp, nonce, body.decode())
    signature = sign(shop, message)
    serial = fields.param(shop, "serial_no")
    parts = {
        "mchid": shop.key_id,
        "nonce_str": nonce,
        "signature": signature,
        "timestamp": timestamp,
        "serial_no": serial,
    }
    return f"{SCHEME} " + ",".join(f'{name}="{value}"' for name, value in parts.items())


def check(shop: Shop, headers: Mapping[str, str], body: bytes, at: datetime) -> None:
    """Raise Forged unless the platform signed this, and within the window around `at`."""
    given = {name: headers.get(name, "") for name in (TIMESTAMP, NONCE, SIGNATURE, SERIAL)}
    for name, value in given.items():
        if not value:
            raise Forged(f"header {name} is missing")
    key = _known(shop).get(given[SERIAL])
    if key is None:
        raise Forged(f"no platform key {fields.vendor_text(given[SERIAL])!r} is known: bring it with oms shop key")
    message = lines(given[TIMESTAMP], given[NONCE]) + body + b"\n"
    try:
        key.verify(base64.b64decode(given[SIGNATURE], validate=True), message, PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, binascii.Error, ValueError):
        raise Forged("the signature does not fit") from None
    _refuse_untimely(given[TIMESTAMP], at)


def _known(shop: Shop) -> Mapping[str, RSAPublicKey]:
    try:
        return platform_keys(shop.sealed.get("platform_keys", ""))
    except ValueError as error:
        raise Broken(f"shop {shop.code} ({shop.vendor}), platform_keys: {error}") from error


def _refuse_untimely(seconds: str, at: datetime) -> None:
    sent = signed_at({TIMESTAMP: seconds})
    if sent is None:
        raise Forged(f"{TIMESTAMP} is not a number of seconds")
    if abs(sent - at) > WINDOW:
        raise Forged(f"{TIMESTAMP} is more than {WINDOW.seconds // 60} minutes from our clock")


def signed_at(headers: Mapping[str, str]) -> datetime | None:
    """Read when the platform says that it signed."""
    seconds = headers.get(TIMESTAMP, "")
    return datetime.fromtimestamp(int(seconds), UTC) if _SECONDS.fullmatch(seconds) else None


def decrypt(keys: tuple[str, ...], nonce: str, associated_data: str, ciphertext: str) -> bytes:
    """Open a sealed resource with whichever APIv3 key fits; ValueError when none does."""
    try:
        sealed = base64.b64decode(ciphertext, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("not base64") from error
    for key in keys:
        try:
            return AESGCM(key.encode()).decrypt(nonce.encode(), sealed, associated_data.encode())
        except (InvalidTag, ValueError):
            continue
    raise ValueError("no APIv3 key of this account opens it")


def faults(shop: Shop) -> list[str]:
    """Say what is wrong with an account's keys before anything is sent with them."""
    told = []
    for name, read in (("private_key", rsa_keys.private_key), ("platform_keys", platform_keys)):
        try:
            read(shop.sealed.get(name, ""))
        except ValueError as error:
            told.append(f"{name}: {error}")
    if any(len(key.encode()) != APIV3_KEY_BYTES for key in fields.usable_secrets(shop)):
        told.append(f"secret: an APIv3 key has {APIV3_KEY_BYTES} characters")
    return told + fields.paid_shop_faults(shop)
