"""Small readers every vendor needs: times, texts and comparisons that are safe on a stranger's input.

Owns the limits of what is believed. Does not know any vendor's format.
"""

import hmac
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from domain.errors import Broken
from domain.shops import Shop

MAX_BODY_BYTES = 1024 * 1024
MAX_DRIFT = timedelta(minutes=10)
MAX_VENDOR_TEXT = 200
MAX_ID = 200
"""A stranger's number longer than this is none; the database could not index it."""
MAX_AMOUNT_MINOR = 10_000_000_000
"""An amount above this is an error, not a sale."""
EARLIEST_YEAR, LATEST_YEAR = 2000, 2100

_LOCAL_TIME = re.compile(r"\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?)?", re.ASCII)
_OFFSET_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})", re.ASCII)
_YUAN = re.compile(r"-?\d{1,12}(?:\.\d{1,2})?", re.ASCII)
_UNSTORABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_MOBILE = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)")


def local_time(text: str, zone: ZoneInfo) -> datetime:
    """Read `yyyy-MM-dd HH:mm:ss` (or a bare date) written in `zone`; aware UTC, or ValueError."""
    if not _LOCAL_TIME.fullmatch(text):
        raise ValueError("not yyyy-MM-dd HH:mm:ss")
    return believable(datetime.fromisoformat(text).replace(tzinfo=zone))


def offset_time(text: str) -> datetime:
    """Read ISO 8601 with an offset; aware UTC, or ValueError: a zone is never guessed (INT-12)."""
    if not _OFFSET_TIME.fullmatch(text):
        raise ValueError("not ISO 8601 with an offset, such as 2026-11-22T21:30:00+08:00")
    return believable(datetime.fromisoformat(text))


def believable(moment: datetime) -> datetime:
    # Years at the ends of the calendar overflow when they are converted to UTC.
    if not EARLIEST_YEAR <= moment.year <= LATEST_YEAR:
        raise ValueError(f"not between the years {EARLIEST_YEAR} and {LATEST_YEAR}")
    return moment.astimezone(UTC)


def show_local(moment: datetime, zone: ZoneInfo) -> str:
    """Write `yyyy-MM-dd HH:mm:ss` in `zone`, as Chinese vendors expect."""
    return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def is_timely(sent: datetime, received: datetime) -> bool:
    """Say whether a signed message is inside its time window (both directions: clocks differ)."""
    return abs(sent - received) <= MAX_DRIFT


def same(given: str, wanted: str) -> bool:
    """Compare two secrets' traces in constant time; text that is not ASCII is simply unequal."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode("utf-8", "replace"))


def usable_secrets(shop: Shop) -> tuple[str, ...]:
    """The keys that count. An empty one would let anybody sign."""
    return tuple(secret for secret in shop.secrets if secret)


def current_secret(shop: Shop) -> str:
    """The key to sign with; Broken when the shop has none."""
    secrets = usable_secrets(shop)
    if not secrets:
        raise Broken(f"shop {shop.code} ({shop.vendor}) has no secret: set one")
    return secrets[0]


def access_token(shop: Shop) -> str:
    """The access token to call with; Broken when the shop was never authorised."""
    if shop.token is None or not shop.token.access:
        raise Broken(f"shop {shop.code} ({shop.vendor}) has no access token: oms shop token {shop.vendor} {shop.code}")
    return shop.token.access


def yuan(text: str) -> int:
    """Read an amount in yuan such as `12.30` as fen; ValueError when it is none, has parts of a fen, or is absurd."""
    if not _YUAN.fullmatch(text):
        raise ValueError("not an amount in yuan with at most two decimals, such as 12.30")
    whole, _, part = text.lstrip("-").partition(".")
    fen = int(whole) * 100 + int(part.ljust(2, "0") or 0)
    if fen > MAX_AMOUNT_MINOR:
        raise ValueError(f"more than {MAX_AMOUNT_MINOR} fen")
    return -fen if text.startswith("-") else fen


def show_yuan(fen: int) -> str:
    """Write fen as yuan with two decimals."""
    return f"{fen // 100}.{fen % 100:02d}"


def param(shop: Shop, name: str) -> str:
    """One of the vendor's further names for us; Broken when the shop row lacks it."""
    value = shop.params.get(name, "")
    if not value:
        raise Broken(f"shop {shop.code} ({shop.vendor}) has no {name}: set it")
    return value


def paid_shop(shop: Shop) -> tuple[str, str]:
    """Whose buyers pay at a payment account: vendor and code of the sales shop; Broken when the row lacks it."""
    channel, _, code = param(shop, "shop").partition("/")
    return channel, code


def paid_shop_faults(shop: Shop) -> list[str]:
    """Say what is wrong with the name of the shop whose buyers pay at a payment account."""
    parts = shop.params.get("shop", "").split("/")
    return [] if len(parts) == 2 and all(parts) else ["shop: write VENDOR/CODE, such as own/my-shop"]


def vendor_text(text: str, hidden: Iterable[str] = ()) -> str:
    """A vendor's words, fit for an error text that becomes history: short, one line, no personal values.

    `hidden` names the values we sent and must not read back (vendors like to quote the receiver).
    """
    for value in sorted(filter(None, hidden), key=len, reverse=True):
        text = text.replace(value, "***")
    return _MOBILE.sub("***", _CONTROL.sub(" ", text)).strip()[:MAX_VENDOR_TEXT]


def storable(text: str) -> str:
    """Drop what a database text or an XML document cannot hold: control characters and lone surrogates."""
    return text if text.isprintable() else _UNSTORABLE.sub("", text)  # nearly all are printable, and soon looked at


_WRONG: Mapping[str, str] = {
    "missing": "is missing: send it",
    "json_invalid": "the body is not JSON: send one JSON object in UTF-8",
    "int_type": "is not a whole number: send it without quotes and decimals",
    "int_from_float": "has decimals: send whole minor units",
    "string_type": "is not a text: put it in quotes",
    "string_too_short": "is empty: fill it",
    "string_too_long": "is longer than {max_length} characters: shorten it",
    "string_pattern_mismatch": "has characters or a form that are not allowed: see the protocol",
    "greater_than_equal": "is below {ge}: send {ge} or more",
    "less_than_equal": "is above {le}: send {le} or less",
    "literal_error": "is none of {expected}: send one of them",
    "too_short": "has fewer than {min_length} entries: send at least that many",
    "too_long": "has more than {max_length} entries: send fewer",
    "model_type": "is not an object: send {{...}}",
    "tuple_type": "is not a list: send [...]",
    "explained": "{text}",
}
MAX_ERRORS_TOLD = 5


def explain(error: ValidationError) -> str:
    """Say which fields are wrong and what to do, without any value: values may be personal."""
    found = error.errors(include_url=False, include_input=False)
    return join_errors([_explain_one(dict(one)) for one in found])


def _explain_one(one: dict[str, Any]) -> str:
    words = _WRONG.get(one["type"], f"is not accepted ({one['type']}): see the protocol")
    return f"{_path(one['loc'])} {words.format(**one.get('ctx', {}))}".strip()


def _path(steps: tuple[str | int, ...]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).removeprefix(".")


def join_errors(told: list[str]) -> str:
    """The first few errors in one line, and how many more there are."""
    more = len(told) - MAX_ERRORS_TOLD
    return "; ".join(told[:MAX_ERRORS_TOLD]) + (f"; and {more} more" if more > 0 else "")
