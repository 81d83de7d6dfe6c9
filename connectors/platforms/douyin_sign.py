"""Signatures of the Douyin shop platform: our calls (v2) and its pushes. Owns the canonical form of what is signed.

Source: the official client. The access token and the name of the method are not part of a call's signature.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

VERSION, METHOD = "2", "hmac-sha256"


def canonical(params: Mapping[str, Any]) -> str:
    """Write parameters as they are signed and sent: keys sorted at every depth, no spaces, nothing escaped."""
    return json.dumps(params, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def sign(app_key: str, secret: str, method: str, param_json: str, timestamp: str) -> str:
    """Lower-case hex HMAC-SHA256 over the sorted names and values between two secrets; `timestamp` as it is sent."""
    named = f"app_key{app_key}method{method}param_json{param_json}timestamp{timestamp}v{VERSION}"
    signed = f"{secret}{named}{secret}".encode("utf-8", "replace")
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def event_sign(app_key: str, secret: str, body: bytes) -> str:
    """Lower-case hex MD5 over app key, body as received and secret."""
    return hashlib.md5(app_key.encode() + body + secret.encode(), usedforsecurity=False).hexdigest()
