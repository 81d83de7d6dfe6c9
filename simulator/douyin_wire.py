"""The wire format of Douyin's shop platform: canonical JSON, signatures, envelope, codes. Owns no orders."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from simulator.clock import parse_stamp

Json = dict[str, object]
CLOCK_TOLERANCE = timedelta(minutes=10)
SUCCESS, PARTIAL = 10000, 10001
NO_PERMISSION, MISSING, ILLEGAL, INVALID, BUSINESS, LIMITED = 30001, 40002, 40003, 40004, 50002, 60000
MESSAGES = {
    SUCCESS: "success",
    PARTIAL: "部分成功",
    NO_PERMISSION: "权限不足",
    MISSING: "缺少必要参数",
    ILLEGAL: "非法的参数",
    INVALID: "非法的参数",
    BUSINESS: "业务处理失败",
    LIMITED: "调用过于频繁",
}
PUBLIC = ("app_key", "method", "timestamp", "v", "sign")
MOST_DIGITS_OF_A_MOMENT = 12


class DouyinError(Exception):
    """The platform's no."""

    def __init__(self, code: int, sub_code: str, sub_msg: str) -> None:
        super().__init__(code, sub_code, sub_msg)
        self.code = code
        self.sub_code = sub_code
        self.sub_msg = sub_msg


def invalid(what: int | str, why: str) -> DouyinError:
    """Refuse a parameter: with the vendor's number of the fault, or with its name where none is known."""
    return DouyinError(INVALID, f"isv.parameter-invalid:{what}", why)


def canonical(value: object) -> str:
    """Write JSON as it must be signed: sorted keys, no blanks, no escapes, whole numbers without a point."""
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _plain(value: object) -> object:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def sign(query: Mapping[str, str], body: bytes, secret: str) -> str:
    """Sign a call over the body as it is; without `sign_method` the platform takes md5 of the same text."""
    head = f"{secret}app_key{query['app_key']}method{query['method']}param_json".encode()
    text = head + body + f"timestamp{query['timestamp']}v{query['v']}{secret}".encode()
    method = query.get("sign_method", "md5")
    if method == "hmac-sha256":
        return hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()
    if method != "md5":
        raise DouyinError(ILLEGAL, "isv.sign-method-invalid", "sign_method must be hmac-sha256")
    return hashlib.md5(text, usedforsecurity=False).hexdigest()


def event_sign(app_key: str, body: bytes, secret: str) -> str:
    """Sign a push over the body as it is."""
    return hashlib.md5(app_key.encode() + body + secret.encode(), usedforsecurity=False).hexdigest()


def verify(secrets: Mapping[str, str], path: str, query: Mapping[str, str], body: bytes, at: datetime) -> Json:
    """Check a call as the platform does and give its param_json; `secrets` by app key. Raises DouyinError."""
    missing = [name for name in PUBLIC if not query.get(name)]
    if missing:
        raise DouyinError(MISSING, "isv.missing-parameter", f"{missing[0]} is missing")
    if query["app_key"] not in secrets:
        raise DouyinError(ILLEGAL, "isv.app-key-invalid", "app_key is not known")
    if query["method"] != path.strip("/").replace("/", "."):
        raise DouyinError(ILLEGAL, "isv.method-invalid", "method is not that of the path")
    if query["v"] != "2":
        raise DouyinError(ILLEGAL, "isv.version-invalid", "v must be 2")
    if abs(at - _moment(query["timestamp"])) > CLOCK_TOLERANCE:
        raise DouyinError(ILLEGAL, "isv.timestamp-invalid", "timestamp is more than 10 minutes from the clock")
    wanted = sign(query, body, secrets[query["app_key"]])
    if not hmac.compare_digest(wanted.encode(), query["sign"].encode()):
        raise DouyinError(ILLEGAL, "isv.signature-invalid", "sign does not match")
    return _read(body)


def _moment(text: str) -> datetime:
    if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS_OF_A_MOMENT:
        return datetime.fromtimestamp(int(text), UTC)
    try:
        return parse_stamp(text)
    except ValueError:
        words = "timestamp must be unix seconds or yyyy-MM-dd HH:mm:ss, GMT+8"
        raise DouyinError(ILLEGAL, "isv.timestamp-invalid", words) from None


def _read(body: bytes) -> Json:
    try:
        read = json.loads(body)
    except ValueError:
        raise DouyinError(ILLEGAL, "isv.param-json-invalid", "the body is not JSON") from None
    if not isinstance(read, dict):
        raise DouyinError(ILLEGAL, "isv.param-json-invalid", "the body is not a JSON object")
    if canonical(read).encode() != body:
        raise DouyinError(ILLEGAL, "isv.param-json-invalid", "the body is not canonical: sorted keys, no blanks")
    return read


def envelope(data: object, log_id: str, error: DouyinError | None = None) -> bytes:
    """Wrap an answer or a refusal."""
    code = error.code if error else SUCCESS
    whole = {
        "code": code,
        "msg": MESSAGES[code],
        "sub_code": error.sub_code if error else "",
        "sub_msg": error.sub_msg if error else "",
        "data": data,
        "log_id": log_id,
    }
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()


def text(params: Mapping[str, object], name: str) -> str:
    """Give a required text; raises DouyinError."""
    value = params.get(name)
    if not isinstance(value, str) or not value:
        raise DouyinError(MISSING, "isv.missing-parameter", f"{name} must be a text that is not empty")
    return value


def whole(params: Mapping[str, object], name: str, bounds: tuple[int, int], fault: int | str = "") -> int:
    """Give a required whole number within bounds; raises DouyinError with the vendor's number of the fault."""
    value = params.get(name)
    least, most = bounds
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise invalid(fault or name, f"{name} must be a whole number from {least} to {most}")
    return value
