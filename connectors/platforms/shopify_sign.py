"""Signatures of Shopify: what it pushes, and what it adds to the address of an authorisation. Our calls carry a token.

Source: the platform's pages on verifying deliveries, and its own libraries.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping

_ESCAPED = (("%", "%25"), ("&", "%26"))
_SIGNATURE = "hmac"


def push_sign(secret: str, body: bytes) -> str:
    """Base64 HMAC-SHA256 over the body as received."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def callback_sign(secret: str, query: Mapping[str, str]) -> str:
    """Lower-case hex HMAC-SHA256 over the sorted names and values of an authorisation's callback, without `hmac`."""
    told = (
        (_escaped(name).replace("=", "%3D"), _escaped(value)) for name, value in query.items() if name != _SIGNATURE
    )
    joined = "&".join(sorted(f"{name}={value}" for name, value in told))
    return hmac.new(secret.encode(), joined.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def _escaped(text: str) -> str:
    for plain, escaped in _ESCAPED:
        text = text.replace(plain, escaped)
    return text
