"""The wire format of JD's open platform: form, signature, envelope and errors. Owns no orders."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qsl

from simulator.clock import now, parse_stamp

Json = dict[str, object]
BUSINESS = "360buy_param_json"
SYSTEM = ("access_token", "app_key", "method", "timestamp", "v")
CLOCK_TOLERANCE = timedelta(minutes=6)
# Only 2001 is documented; the words are what is told apart.
NO_TOKEN, NO_PERMISSION, BAD_SIGN, BAD_TIME, BAD_PARAM, LIMITED = "19", "2001", "12", "29", "50", "22"


class JdError(Exception):
    """The gateway's no."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(code, words)
        self.code = code
        self.words = words


class JdRefusal(Exception):
    """The business's no: it stands inside the answer."""


def sign(params: Mapping[str, str], secret: str) -> str:
    """Sign the sorted names and values between two secrets."""
    text = secret + "".join(name + params[name] for name in sorted(params)) + secret
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest().upper()


def verify(secrets: Mapping[str, str], query: Mapping[str, str], body: bytes) -> Json:
    """Check a call as the platform does and give its business parameters; raises JdError."""
    form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    signed = {name: query.get(name, "") for name in SYSTEM}
    missing = [name for name in (*SYSTEM, "sign") if not query.get(name)]
    missing += [] if BUSINESS in form else [BUSINESS]
    if missing:
        raise JdError(BAD_PARAM, f"缺少参数 {missing[0]}")
    secret = secrets.get(signed["app_key"])
    wanted = sign({**signed, BUSINESS: form[BUSINESS]}, secret or "")
    if secret is None or not hmac.compare_digest(wanted.encode(), query["sign"].encode()):
        raise JdError(BAD_SIGN, "签名不正确")
    if abs(now() - _moment(signed["timestamp"])) > CLOCK_TOLERANCE:
        raise JdError(BAD_TIME, "timestamp 与服务器时间相差超过 6 分钟")
    try:
        params = json.loads(form[BUSINESS])
    except ValueError:
        raise JdError(BAD_PARAM, f"{BUSINESS} 不是 JSON") from None
    if not isinstance(params, dict):
        raise JdError(BAD_PARAM, f"{BUSINESS} 不是对象")
    return params


def _moment(text: str) -> datetime:
    try:
        if len(text) > 19:
            return datetime.strptime(text, "%Y-%m-%d %H:%M:%S.%f%z").astimezone(timezone(timedelta(hours=8)))
        return parse_stamp(text)
    except ValueError:
        raise JdError(BAD_TIME, "timestamp 格式不正确") from None


def envelope(method: str, told: Json) -> bytes:
    """Wrap an answer; they spell it so."""
    return json.dumps({f"{method.replace('.', '_')}_responce": {"code": "0", **told}}, ensure_ascii=False).encode()


def refusal(error: JdError) -> bytes:
    """Wrap a refusal of the gateway."""
    said = {"code": error.code, "zh_desc": error.words, "en_desc": ""}
    return json.dumps({"error_response": said}, ensure_ascii=False).encode()


def text(params: Mapping[str, object], name: str) -> str:
    """Give a required text; raises JdError."""
    value = params.get(name)
    if not isinstance(value, str) or not value:
        raise JdError(BAD_PARAM, f"{name} 不能为空")
    return value


def whole(params: Mapping[str, object], name: str, least: int, most: int) -> int:
    """Give a whole number within bounds, written as a number or as a text; raises JdError."""
    value = str(params.get(name))
    if not value.isascii() or not value.isdigit() or not least <= int(value) <= most:
        raise JdError(BAD_PARAM, f"{name} 必须是 {least} 到 {most} 的整数")
    return int(value)


def moment(params: Mapping[str, object], name: str) -> datetime:
    """Give a required moment; raises JdError."""
    try:
        return parse_stamp(text(params, name))
    except ValueError:
        raise JdError(BAD_PARAM, f"{name} 格式为 yyyy-MM-dd HH:mm:ss") from None
