"""Stripe's proof of what it sends: HMAC-SHA256 over `t.body` under the endpoint's secret. No I/O.

The secret is used as text, `whsec_` included. While it is rolled, Stripe signs with both, and the account may hold
both: any `v1` that fits any of them is enough (INT-14).
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from connectors import fields
from domain.errors import Forged
from domain.shops import Shop

HEADER = "stripe-signature"
API_KEY = "api_key"
"""The name of the sealed param."""
WINDOW = timedelta(seconds=300)
"""The vendor's own rule for what is too old."""
MAX_PARTS = 20
_SECONDS = re.compile(r"\d{9,11}", re.ASCII)
_KEY = re.compile(r"(?:sk|rk)_[0-9A-Za-z_]{8,}", re.ASCII)


def signature(secret: str, seconds: str, body: bytes) -> str:
    """Sign a body as of a time in unix seconds; hex."""
    return hmac.new(secret.encode(), seconds.encode() + b"." + body, hashlib.sha256).hexdigest()


def check(shop: Shop, headers: Mapping[str, str], body: bytes, at: datetime) -> None:
    """Raise Forged unless Stripe signed this, at most WINDOW before `at`."""
    given = headers.get(HEADER, "")
    if not given:
        raise Forged(f"header {HEADER} is missing")
    seconds, sent = _values(given, "t"), signed_at(headers)
    if sent is None:
        raise Forged(f"{HEADER} has no t= with a number of seconds")
    proofs = _values(given, "v1")
    wanted = [signature(secret, seconds[0], body) for secret in fields.usable_secrets(shop)]
    if not any(fields.same(proof, one) for proof in proofs for one in wanted):
        raise Forged("no v1 signature fits with any signing secret of this account")
    if at - sent > WINDOW:
        raise Forged(f"{HEADER} is older than {WINDOW.seconds // 60} minutes by our clock")


def signed_at(headers: Mapping[str, str]) -> datetime | None:
    """Read when Stripe says that it signed; each attempt is signed anew."""
    seconds = _values(headers.get(HEADER, ""), "t")
    fit = len(seconds) == 1 and _SECONDS.fullmatch(seconds[0])
    return datetime.fromtimestamp(int(seconds[0]), UTC) if fit else None


def _values(header: str, wanted: str) -> list[str]:
    parts = (part.strip().partition("=") for part in header.split(",", MAX_PARTS))
    return [value for name, _, value in parts if name == wanted]


def faults(shop: Shop) -> list[str]:
    """Say what is wrong with an account's keys before anything is sent with them."""
    told = []
    if not _KEY.fullmatch(shop.sealed.get(API_KEY, "").strip()):
        told.append(f"{API_KEY}: a secret key begins with sk_ or rk_ and stands alone in its file")
    if not all(secret.startswith("whsec_") for secret in fields.usable_secrets(shop)):
        told.append("secret: the signing secret of a webhook endpoint begins with whsec_")
    return told + fields.paid_shop_faults(shop)
