"""Signatures of Pinduoduo: its calls, and the address of its message service. Owns what is signed, nothing else.

Calls: empty values are left out, names sorted by ASCII, name and value joined without separators between two secrets.
Source of the messages' address: an open client that works; the official guide does not tell it.
"""

import base64
import hashlib
from collections.abc import Mapping
from urllib.parse import quote


def sign(params: Mapping[str, str], secret: str) -> str:
    """Upper-case hex MD5 over everything but `sign`."""
    told = "".join(f"{name}{params[name]}" for name in sorted(params) if name != "sign" and params[name] != "")
    return _md5(f"{secret}{told}{secret}").upper()


def message_path(client_id: str, secret: str, millis: str) -> str:
    """Give the path at which messages wait; `millis` is now, in Unix milliseconds."""
    proof = base64.b64encode(_md5(f"{client_id}{millis}{secret}").encode()).decode()
    return f"/message/{quote(client_id, safe='')}/{millis}/{quote(proof, safe='')}"


def _md5(text: str) -> str:
    return hashlib.md5(text.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()
