"""Signatures of Shopee: our calls and its pushes. Owns what is signed, nothing else.

The partner key is taken as the text it is shown as. Path: `/api/v2/...`, without host and query.
"""

import hashlib
import hmac


def sign(key: str, partner_id: str, path: str, timestamp: str, rest: str = "") -> str:
    """Lower-case hex HMAC-SHA256; `rest` is access token and shop id of calls for a shop, empty for public ones."""
    return _digest(key, f"{partner_id}{path}{timestamp}{rest}".encode("utf-8", "replace"))


def push_sign(key: str, callback_url: str, body: bytes) -> str:
    """Sign a push: the address it goes to as the platform knows it, a bar, and the body as it is."""
    return _digest(key, f"{callback_url}|".encode() + body)


def _digest(key: str, told: bytes) -> str:
    return hmac.new(key.encode(), told, hashlib.sha256).hexdigest()
