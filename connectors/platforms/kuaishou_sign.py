"""Signatures of Kuaishou's shop platform, and the sealing of its pushes. Owns what is signed and how it is opened.

Calls: sorted `name=value` joined by &, then `signSecret`, which is not the application's secret. Pushes are base64 of
AES-CBC (key: base64 of the message secret, IV of zeros, PKCS7). They carry no signature: who can seal is the platform.
A changed bit spoils sixteen bytes and is refused as a rule; a push is only a hint, and its order is asked for.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

HMAC, MD5 = "HMAC_SHA256", "MD5"
METHODS = (HMAC, MD5)
BLOCK_BYTES = 16


def sign(params: Mapping[str, str], secret: str) -> str:
    """Sign as `signMethod` says: base64 HMAC-SHA256, or lower-case hex MD5."""
    named = "&".join(f"{name}={params[name]}" for name in sorted(params))
    text = f"{named}&signSecret={secret}".encode("utf-8", "replace")
    if params["signMethod"] == HMAC:
        return base64.b64encode(hmac.new(secret.encode(), text, hashlib.sha256).digest()).decode()
    return hashlib.md5(text, usedforsecurity=False).hexdigest()


def opened(body: bytes, secret: str) -> bytes:
    """Open a push; ValueError when this secret did not seal it."""
    try:
        key, sealed = base64.b64decode(secret, validate=True), base64.b64decode(body.strip(), validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error
    if not sealed or len(sealed) % BLOCK_BYTES:
        raise ValueError("not whole blocks")
    # The mode is the platform's.
    opener = Cipher(algorithms.AES(key), modes.CBC(bytes(BLOCK_BYTES))).decryptor()
    unpadder = padding.PKCS7(BLOCK_BYTES * 8).unpadder()
    padded = opener.update(sealed) + opener.finalize()
    return unpadder.update(padded) + unpadder.finalize()
