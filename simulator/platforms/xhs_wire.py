"""The wire format of Xiaohongshu's shop platform: flat JSON, signatures, envelopes. Owns no orders."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import timedelta

from simulator.clock import now

Json = dict[str, object]
CLOCK_TOLERANCE = timedelta(minutes=10)
# The vendor's own numbers are not public; the words are what is told apart.
BAD_PARAM, BAD_SIGN, NO_TOKEN, LIMITED, BUSINESS = -1, -2, -100, -429, -9041014


class XhsError(Exception):
    """The platform's no."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(code, words)
        self.code = code
        self.words = words


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def sign(given: Mapping[str, object], secret: str) -> str:
    """Sign a call."""
    head = f"{given['method']}?appId={given['appId']}&timestamp={given['timestamp']}"
    return _md5(f"{head}&version={given['version']}{secret}")


def push_sign(path: str, app_key: str, timestamp: str, secret: str) -> str:
    """Sign a push without a query."""
    return _md5(f"{path}?app-key={app_key}&timestamp={timestamp}{secret}")


def verify(secrets: Mapping[str, str], body: bytes) -> Json:
    """Check a call as the platform does and give all that it says; raises XhsError."""
    try:
        given = json.loads(body)
    except ValueError:
        raise XhsError(BAD_PARAM, "请求不是 JSON") from None
    if not isinstance(given, dict):
        raise XhsError(BAD_PARAM, "请求不是对象")
    missing = [name for name in ("appId", "method", "version", "timestamp", "sign") if not given.get(name)]
    if missing:
        raise XhsError(BAD_PARAM, f"缺少参数 {missing[0]}")
    secret = secrets.get(str(given["appId"]))
    if secret is None or not hmac.compare_digest(sign(given, secret).encode(), str(given["sign"]).encode()):
        raise XhsError(BAD_SIGN, "签名校验失败")
    second = str(given["timestamp"])
    if not second.isdigit() or abs(now().timestamp() - int(second)) > CLOCK_TOLERANCE.total_seconds():
        raise XhsError(BAD_SIGN, "timestamp 超出范围")
    return given


def envelope(data: object, error: XhsError | None = None) -> bytes:
    """Wrap an answer or a refusal."""
    said: Json = {"error_code": error.code if error else 0, "error_msg": error.words if error else ""}
    return json.dumps({**said, "success": error is None, "data": data}, ensure_ascii=False).encode()


def whole(params: Mapping[str, object], name: str, least: int, most: int) -> int:
    """Give a required whole number within bounds; raises XhsError."""
    value = params.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise XhsError(BAD_PARAM, f"{name} 必须是 {least} 到 {most} 的整数")
    return value


def text(params: Mapping[str, object], name: str) -> str:
    """Give a required text; raises XhsError."""
    value = params.get(name)
    if not isinstance(value, str) or not value:
        raise XhsError(BAD_PARAM, f"{name} 不能为空")
    return value
