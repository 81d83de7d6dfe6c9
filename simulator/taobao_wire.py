"""The wire format of Taobao's TOP gateway: form in, signature, JSON out, error codes. Owns no trades."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import parse_qs

from simulator.clock import parse_stamp

Json = dict[str, object]
CLOCK_TOLERANCE = timedelta(minutes=10)
DIGESTS = {"hmac": "md5", "hmac-sha256": "sha256"}
# Public parameters with the code of their absence, in the order of the checks.
REQUIRED = (("method", 21), ("app_key", 28), ("timestamp", 30), ("v", 32), ("sign", 24))
MESSAGES = {
    7: "App Call Limited",
    15: "Remote service error",
    10: "Service Currently Unavailable",
    21: "Missing Method",
    22: "Invalid Method",
    23: "Invalid Format",
    24: "Missing Signature",
    25: "Invalid Signature",
    26: "Missing Session",
    27: "Invalid Session",
    28: "Missing App Key",
    29: "Invalid App Key",
    30: "Missing Timestamp",
    31: "Invalid Timestamp",
    32: "Missing Version",
    33: "Invalid Version",
    40: "Missing Required Arguments",
    41: "Invalid Arguments",
}


class TopError(Exception):
    """The gateway's no: a code, and a sub code with its message where there is one."""

    def __init__(self, code: int, sub_code: str = "", sub_msg: str = "") -> None:
        super().__init__(code, sub_code, sub_msg)
        self.code = code
        self.sub_code = sub_code
        self.sub_msg = sub_msg


def invalid(name: str, why: str) -> TopError:
    return TopError(41, "isv.invalid-parameter", f"{name}: {why}")


def sign(params: Mapping[str, str], secret: str) -> str:
    """Sign all parameters but `sign` and empty ones; raises TopError for an unknown method."""
    text = "".join(key + params[key] for key in sorted(params) if params[key] and key != "sign").encode()
    key, method = secret.encode(), params.get("sign_method", "")
    if method == "md5":
        return hashlib.md5(key + text + key, usedforsecurity=False).hexdigest().upper()
    if method not in DIGESTS:
        raise invalid("sign_method", "must be md5, hmac or hmac-sha256")
    return hmac.new(key, text, DIGESTS[method]).hexdigest().upper()


def read_form(body: bytes) -> dict[str, str]:
    """Read a form; raises TopError."""
    try:
        form = parse_qs(body.decode(), keep_blank_values=True, errors="strict")
    except (UnicodeDecodeError, ValueError):
        raise invalid("body", "must be an UTF-8 form") from None
    return {name: values[-1] for name, values in form.items()}


def verify(secrets: Mapping[str, str], params: Mapping[str, str], at: datetime) -> str:
    """Check a call as the gateway does and give its method; `secrets` by app key. Raises TopError."""
    for name, code in REQUIRED:
        if not params.get(name):
            raise TopError(code)
    if params["app_key"] not in secrets:
        raise TopError(29)
    if params.get("format") != "json":
        raise TopError(23)
    if params["v"] != "2.0":
        raise TopError(33)
    _check_time(params["timestamp"], at)
    wanted = sign(params, secrets[params["app_key"]])
    if not hmac.compare_digest(wanted.encode(), params["sign"].encode()):
        raise TopError(25, "isv.invalid-signature", "the signature does not match the parameters")
    return params["method"]


def _check_time(text: str, at: datetime) -> None:
    try:
        age = abs(at - parse_stamp(text))
    except ValueError:
        raise TopError(31, "isv.invalid-timestamp", "must be yyyy-MM-dd HH:mm:ss, GMT+8") from None
    if age > CLOCK_TOLERANCE:
        raise TopError(31, "isv.invalid-timestamp", "more than 10 minutes from the clock")


def success(method: str, answer: Json, request_id: str) -> bytes:
    """Wrap an answer as `{method}_response` without the vendor's prefix."""
    name = method.removeprefix("taobao.").replace(".", "_") + "_response"
    return _written({name: {**answer, "request_id": request_id}})


def failure(error: TopError, request_id: str) -> bytes:
    sub = {"sub_code": error.sub_code, "sub_msg": error.sub_msg} if error.sub_code else {}
    return _written(
        {"error_response": {"code": error.code, "msg": MESSAGES[error.code], **sub, "request_id": request_id}}
    )


def _written(answer: Json) -> bytes:
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()


def text(params: Mapping[str, str], name: str) -> str:
    """Give a required parameter; raises TopError."""
    if not params.get(name):
        raise TopError(40, "isv.missing-parameter", name)
    return params[name]


def whole(params: Mapping[str, str], name: str, default: int, most: int) -> int:
    """Give a whole number from 1 to `most`; raises TopError."""
    value = params.get(name, "")
    if not value:
        return default
    if not (value.isascii() and value.isdigit()) or not 1 <= int(value) <= most:
        raise invalid(name, f"must be a whole number from 1 to {most}")
    return int(value)


def moment(params: Mapping[str, str], name: str) -> datetime:
    """Give a required time; raises TopError."""
    try:
        return parse_stamp(text(params, name))
    except ValueError:
        raise invalid(name, "must be yyyy-MM-dd HH:mm:ss") from None


def yuan(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d}"


def select(node: Mapping[str, object], fields: str) -> Json:
    """Keep the asked fields only: `orders` is the whole list, `orders.oid` one field of each in it."""
    asked = {name.strip() for name in fields.split(",") if name.strip()}
    kept: Json = {}
    for name, value in node.items():
        if name in asked:
            kept[name] = value
            continue
        inner = ",".join(one.removeprefix(f"{name}.") for one in asked if one.startswith(f"{name}."))
        if inner and isinstance(value, Mapping):
            kept[name] = {tag: [select(one, inner) for one in nodes] for tag, nodes in value.items()}
    return kept
