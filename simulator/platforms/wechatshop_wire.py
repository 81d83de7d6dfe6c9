"""The wire format of a WeChat shop: answers, codes, and how its pushes are signed and sealed. Owns no orders."""

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

Json = dict[str, object]
TOKEN, BUSY, MINUTE_LIMIT, KEY_MISMATCH = 40001, -1, 45011, 606006
# Codes of our own: what the platform says here is not published.
PARAM, NO_ORDER, NOT_SENDABLE, NO_SKU = 10020001, 10020002, 10020003, 10020004
BLOCK = 32


class WechatError(Exception):
    """The platform's no."""

    def __init__(self, errcode: int, errmsg: str) -> None:
        super().__init__(errcode, errmsg)
        self.errcode = errcode
        self.errmsg = errmsg


def sha1(*parts: str) -> str:
    """Sign parts in their order by alphabet."""
    return hashlib.sha1("".join(sorted(parts)).encode(), usedforsecurity=False).hexdigest()


def seal(told: bytes, encoding_key: str, appid: str, random: bytes | None = None) -> str:
    """Seal a message for an application."""
    key = base64.b64decode(f"{encoding_key}=")
    text = (random or secrets.token_bytes(16)) + len(told).to_bytes(4, "big") + told + appid.encode()
    padding = BLOCK - len(text) % BLOCK
    sealer = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    return base64.b64encode(sealer.update(text + bytes([padding]) * padding) + sealer.finalize()).decode()


def read_body(body: bytes) -> Json:
    """Read a JSON object; raises WechatError."""
    try:
        read = json.loads(body)
    except ValueError:
        read = None
    if not isinstance(read, dict):
        raise WechatError(PARAM, "the body must be a JSON object")
    return read


def answer(told: Json) -> bytes:
    return written({"errcode": 0, "errmsg": "ok", **told})


def failure(error: WechatError) -> bytes:
    return written({"errcode": error.errcode, "errmsg": error.errmsg})


def written(told: Mapping[str, object]) -> bytes:
    """Write JSON without blanks."""
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def whole(told: Mapping[str, object], name: str, least: int, most: int) -> int:
    """Give a required whole number within bounds; raises WechatError."""
    value = told.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise WechatError(PARAM, f"{name} must be a whole number from {least} to {most}")
    return value


def window(told: Mapping[str, object], names: tuple[str, str], longest_seconds: int) -> tuple[int, int]:
    """Give a window, both ends included; raises WechatError."""
    begins, ends = (whole(told, name, 0, 10**11) for name in names)
    if not 0 <= ends - begins <= longest_seconds:
        raise WechatError(PARAM, f"{names[1]} must be at most {longest_seconds} s after {names[0]}")
    return begins, ends
