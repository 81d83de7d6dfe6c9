"""The wire format of Pinduoduo's gateway and of its message service: signatures, envelope, codes. Owns no orders."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

Json = dict[str, object]
CLOCK_TOLERANCE = timedelta(minutes=10)
PARAM, PUBLIC_PARAM, CLIENT, METHOD, TOKEN, SIGN, MISMATCH = 10000, 10001, 10016, 10017, 10019, 20004, 20032
BUSINESS, INTERNAL, LIMITED = 21001, 50000, 70031
MESSAGES = {
    PARAM: "参数错误",
    PUBLIC_PARAM: "公共参数错误",
    CLIENT: "client_id 错误",
    METHOD: "type 错误",
    TOKEN: "access_token已过期",
    SIGN: "签名sign校验失败",
    MISMATCH: "access_token与client_id不匹配",
    BUSINESS: "业务参数错误",
    INTERNAL: "系统内部错误",
    LIMITED: "调用过于频繁，请调整调用频率",
}
MOST_DIGITS = 13


class PddError(Exception):
    """The platform's no."""

    def __init__(self, code: int, sub_code: str = "", sub_msg: str = "") -> None:
        super().__init__(code, sub_code, sub_msg)
        self.code = code
        self.sub_code = sub_code
        self.sub_msg = sub_msg


def invalid(name: str, why: str) -> PddError:
    return PddError(BUSINESS, f"invalid-{name}", f"{name} {why}")


def sign(params: Mapping[str, str], secret: str) -> str:
    """Sign everything but `sign` and what is empty."""
    text = "".join(key + params[key] for key in sorted(params) if params[key] and key != "sign")
    return hashlib.md5(f"{secret}{text}{secret}".encode(), usedforsecurity=False).hexdigest().upper()


def proof(client_id: str, millis: str, secret: str) -> str:
    """Give what opens the message service, before it is written into an address."""
    text = f"{client_id}{millis}{secret}".encode()
    return base64.b64encode(hashlib.md5(text, usedforsecurity=False).hexdigest().encode()).decode()


def may_listen(secrets: Mapping[str, str], client_id: str, millis: str, shown: str, at: datetime) -> bool:
    """Tell whether somebody may take the messages of an application."""
    if client_id not in secrets or not (millis.isascii() and millis.isdigit() and len(millis) <= MOST_DIGITS):
        return False
    if abs(at - datetime.fromtimestamp(int(millis) / 1000, UTC)) > CLOCK_TOLERANCE:
        return False
    return hmac.compare_digest(proof(client_id, millis, secrets[client_id]).encode(), shown.encode())


def verify(secrets: Mapping[str, str], body: bytes, at: datetime) -> dict[str, str]:
    """Check a call as the gateway does and give its parameters; `secrets` by client_id. Raises PddError."""
    params = _read(body)
    missing = next((name for name in ("type", "client_id", "timestamp", "sign") if not params.get(name)), None)
    if missing:
        raise PddError(PUBLIC_PARAM, "missing", f"{missing} is missing")
    if params["client_id"] not in secrets:
        raise PddError(CLIENT)
    stamp = params["timestamp"]
    digits = stamp.isascii() and stamp.isdigit() and len(stamp) <= MOST_DIGITS
    if not digits or abs(at - datetime.fromtimestamp(int(stamp), UTC)) > CLOCK_TOLERANCE:
        raise PddError(PUBLIC_PARAM, "timestamp", "timestamp must be unix seconds of now")
    if params.get("data_type") != "JSON":
        raise PddError(PUBLIC_PARAM, "data_type", "data_type must be JSON here")
    wanted = sign(params, secrets[params["client_id"]])
    if not hmac.compare_digest(wanted.encode(), params["sign"].encode()):
        raise PddError(SIGN)
    return params


def _read(body: bytes) -> dict[str, str]:
    try:
        read = json.loads(body)
    except ValueError:
        raise PddError(PUBLIC_PARAM, "body", "the body is not JSON") from None
    if not isinstance(read, dict) or not all(isinstance(one, str | int) for one in read.values()):
        raise PddError(PUBLIC_PARAM, "body", "the body must be one flat JSON object")
    return {str(name): str(one) for name, one in read.items()}


def success(wrapper: str, answer: Json, request_id: str) -> bytes:
    return _written({wrapper: {**answer, "request_id": request_id}})


def failure(error: PddError, request_id: str) -> bytes:
    told = {"error_code": error.code, "error_msg": MESSAGES[error.code]}
    sub = {"sub_code": error.sub_code or None, "sub_msg": error.sub_msg or MESSAGES[error.code]}
    return _written({"error_response": {**told, **sub, "request_id": request_id}})


def _written(answer: Json) -> bytes:
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()


def text(params: Mapping[str, str], name: str) -> str:
    """Give a required parameter; raises PddError."""
    if not params.get(name):
        raise PddError(PARAM, "missing", f"{name} is missing")
    return params[name]


def whole(params: Mapping[str, str], name: str, least: int, most: int) -> int:
    """Give a required whole number within bounds; raises PddError."""
    value = text(params, name)
    if not (value.isascii() and value.isdigit()) or len(value) > 20 or not least <= int(value) <= most:
        raise invalid(name, f"must be a whole number from {least} to {most}")
    return int(value)


def window(params: Mapping[str, str], clock: str, longest_seconds: int) -> tuple[int, int]:
    """Give the window of a list, both ends included; raises PddError."""
    begins, ends = (whole(params, f"{end}_{clock}", 0, 10**11) for end in ("start", "end"))
    if not 0 <= ends - begins <= longest_seconds:
        raise invalid(f"end_{clock}", f"must be at most {longest_seconds} s after the start")
    return begins, ends


def page(params: Mapping[str, str]) -> tuple[int, int]:
    """Give page and size of a list; pages count from 1."""
    return whole(params, "page", 1, 10**6), whole(params, "page_size", 1, 100)


def yuan(minor: int) -> float:
    return minor / 100
