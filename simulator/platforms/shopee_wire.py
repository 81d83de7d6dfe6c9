"""The wire format of Shopee's open platform: signatures, envelope, error words. Owns no orders."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

Json = dict[str, object]
CLOCK_TOLERANCE = timedelta(minutes=5)
SIGN, TOKEN, PARAM, LIMITED, EXPIRED = (
    "error_sign",
    "invalid_acceess_token",
    "error_param",
    "error_rate_limit",
    "refresh_token_expired",
)
FORBIDDEN = frozenset({SIGN, TOKEN})
MOST_DIGITS = 13


class ShopeeError(Exception):
    """The platform's no; `response` stands beside it where a part was done."""

    def __init__(self, word: str, message: str, response: Json | None = None) -> None:
        super().__init__(word, message)
        self.word = word
        self.message = message
        self.response = response


def sign(key: str, path: str, query: Mapping[str, str], *, public: bool) -> str:
    """Sign a call as its query tells."""
    base = f"{query['partner_id']}{path}{query['timestamp']}"
    rest = "" if public else f"{query.get('access_token', '')}{query.get('shop_id', '')}"
    return hmac.new(key.encode(), f"{base}{rest}".encode(), hashlib.sha256).hexdigest()


def push_sign(key: str, url: str, body: bytes) -> str:
    """Sign a push over its address and its body as it is."""
    return hmac.new(key.encode(), f"{url}|".encode() + body, hashlib.sha256).hexdigest()


def verify(keys: Mapping[str, str], path: str, query: Mapping[str, str], at: datetime, *, public: bool) -> None:
    """Check a call as the platform does; `keys` by partner_id. Raises ShopeeError."""
    partner, stamp, shown = (query.get(name, "") for name in ("partner_id", "timestamp", "sign"))
    if partner not in keys:
        raise ShopeeError(PARAM, "Invalid partner_id")
    digits = stamp.isascii() and stamp.isdigit() and len(stamp) <= MOST_DIGITS
    if not digits or abs(at - datetime.fromtimestamp(int(stamp), UTC)) > CLOCK_TOLERANCE:
        raise ShopeeError(PARAM, "Timestamp is expired.")
    wanted = sign(keys[partner], path, query, public=public)
    if not hmac.compare_digest(wanted.encode(), shown.encode()):
        raise ShopeeError(SIGN, "Wrong sign.")


def read_body(body: bytes) -> Json:
    """Read a JSON object; raises ShopeeError."""
    try:
        read = json.loads(body)
    except ValueError:
        read = None
    if not isinstance(read, dict):
        raise ShopeeError(PARAM, "The body must be a JSON object.")
    return read


def envelope(response: Json | None, request_id: str, error: ShopeeError | None = None) -> bytes:
    """Wrap an answer or a refusal."""
    told: Json = {"error": error.word if error else "", "message": error.message if error else ""}
    shown = error.response if error else response
    return written({**told, "request_id": request_id, **({"response": shown} if shown is not None else {})})


def bare(answer: Json, request_id: str) -> bytes:
    """Write an answer beside `error`, as those about tokens are."""
    return written({"error": "", "message": "", "request_id": request_id, **answer})


def written(answer: Json) -> bytes:
    """Write JSON without blanks."""
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()


def whole(told: Mapping[str, object], name: str, least: int, most: int) -> int:
    """Give a required whole number within bounds, from a query or a body; raises ShopeeError."""
    value = str(told.get(name, ""))
    if not (value.isascii() and value.isdigit()) or len(value) > 20 or not least <= int(value) <= most:
        raise ShopeeError(PARAM, f"{name} must be a whole number from {least} to {most}")
    return int(value)


def window(query: Mapping[str, str], names: tuple[str, str], longest: timedelta, word: str) -> tuple[int, int]:
    """Give the window of a list, both ends included; raises ShopeeError with the list's own word."""
    begins, ends = (whole(query, name, 0, 10**11) for name in names)
    if not 0 <= ends - begins <= longest.total_seconds():
        raise ShopeeError(word, f"{names[1]} must be at most {longest.days} days after {names[0]}")
    return begins, ends


def major(minor: int) -> float:
    return minor / 100
