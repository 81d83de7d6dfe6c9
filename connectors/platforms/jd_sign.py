"""Signature of JD's open platform (JOS). Owns what is signed: the five system params and the business JSON.

Source: the platform's developer guide. `format`, `sign_method` and the signature itself are not part of it.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

VERSION = "2.0"
BUSINESS = "360buy_param_json"


def written(params: Mapping[str, Any]) -> str:
    """Write business params as they are signed and sent."""
    return json.dumps(params, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def sign(params: Mapping[str, str], secret: str) -> str:
    """Upper-case hex MD5 over the sorted names and values between two secrets."""
    named = "".join(f"{name}{params[name]}" for name in sorted(params))
    signed = f"{secret}{named}{secret}".encode("utf-8", "replace")
    return hashlib.md5(signed, usedforsecurity=False).hexdigest().upper()
