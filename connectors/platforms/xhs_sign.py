"""Signatures of Xiaohongshu's shop platform: our calls, and its pushes. Owns what is signed.

Neither the token nor what is asked is part of a call's signature. How pushes are signed is known from one sample only.
"""

import hashlib

VERSION = "2.0"


def sign(method: str, app_id: str, timestamp: str, version: str, secret: str) -> str:
    """Lower-case hex MD5 over method, application, time and version, and the secret behind them."""
    return _md5(f"{method}?appId={app_id}&timestamp={timestamp}&version={version}{secret}")


def push_sign(path: str, app_key: str, query: str, timestamp: str, secret: str) -> str:
    """Lower-case hex MD5 over a push's path, application, query and time, and the secret behind them."""
    named = "&".join(part for part in (f"app-key={app_key}", query, f"timestamp={timestamp}") if part)
    return _md5(f"{path}?{named}{secret}")


def _md5(text: str) -> str:
    return hashlib.md5(text.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()
