"""The wire format of Kuaishou's shop platform: signatures, envelope, sealed pushes. Owns no orders."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import timedelta

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from simulator.clock import now

Json = dict[str, object]
PUBLIC = ("appkey", "method", "access_token", "version", "timestamp", "signMethod", "param")
CLOCK_TOLERANCE = timedelta(minutes=10)
# The vendor's own numbers are not public; the words are what is told apart.
BAD_PARAM, BAD_SIGN, NO_TOKEN, LIMITED, BUSINESS = 21, 22, 28, 804, 802


class KuaishouError(Exception):
    """The platform's no."""

    def __init__(self, result: int, words: str) -> None:
        super().__init__(result, words)
        self.result = result
        self.words = words


def sign(params: Mapping[str, str], secret: str) -> str:
    """Sign the sorted pairs with the sign secret."""
    text = "&".join(f"{name}={params[name]}" for name in sorted(params)) + f"&signSecret={secret}"
    if params["signMethod"] == "MD5":
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
    return base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()).decode()


def verify(secrets: Mapping[str, str], path: str, given: Mapping[str, str]) -> Json:
    """Check a call as the platform does and give its param; raises KuaishouError."""
    missing = [name for name in (*PUBLIC, "sign") if not given.get(name)]
    if missing:
        raise KuaishouError(BAD_PARAM, f"缺少参数 {missing[0]}")
    if given["method"] != path.strip("/").replace("/", "."):
        raise KuaishouError(BAD_PARAM, "method 与路径不一致")
    if given["signMethod"] not in ("MD5", "HMAC_SHA256") or given["version"] != "1":
        raise KuaishouError(BAD_PARAM, "signMethod 或 version 不支持")
    secret = secrets.get(given["appkey"])
    wanted = sign({name: given[name] for name in PUBLIC}, secret or "")
    if secret is None or not hmac.compare_digest(wanted.encode(), given["sign"].encode()):
        raise KuaishouError(BAD_SIGN, "签名校验失败")
    millis = given["timestamp"]
    if not millis.isdigit() or abs(now().timestamp() - int(millis) / 1000) > CLOCK_TOLERANCE.total_seconds():
        raise KuaishouError(BAD_PARAM, "timestamp 超出范围")
    try:
        params = json.loads(given["param"])
    except ValueError:
        raise KuaishouError(BAD_PARAM, "param 不是 JSON") from None
    if not isinstance(params, dict):
        raise KuaishouError(BAD_PARAM, "param 不是对象")
    return params


def seal(plain: bytes, secret: str) -> bytes:
    """Seal a push as the platform does."""
    padder = padding.PKCS7(128).padder()
    sealer = Cipher(algorithms.AES(base64.b64decode(secret)), modes.CBC(bytes(16))).encryptor()
    return base64.b64encode(sealer.update(padder.update(plain) + padder.finalize()) + sealer.finalize())


def envelope(data: object, error: KuaishouError | None = None) -> bytes:
    """Wrap an answer or a refusal."""
    said = {"result": error.result if error else 1, "error_msg": error.words if error else "", "data": data}
    return json.dumps(said, ensure_ascii=False).encode()


def whole(params: Mapping[str, object], name: str, least: int, most: int) -> int:
    """Give a required whole number within bounds; raises KuaishouError."""
    value = params.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise KuaishouError(BAD_PARAM, f"{name} 必须是 {least} 到 {most} 的整数")
    return value


def text(params: Mapping[str, object], name: str) -> str:
    """Give a text, which may be empty; raises KuaishouError."""
    value = params.get(name)
    if not isinstance(value, str):
        raise KuaishouError(BAD_PARAM, f"{name} 必须是文本")
    return value
