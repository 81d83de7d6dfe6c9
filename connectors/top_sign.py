"""The signature of Taobao's open platform (TOP). Owns the three algorithms and what goes into them; knows no message.

Taobao signs its forms with it, Qimen its query and body. Sources: article 101617 of the platform's documentation,
TaobaoUtils.java and SpiUtils.java of the official SDK; published digests stand in the tests.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping

_Signer = Callable[[bytes, bytes], bytes]


def _md5(secret: bytes, message: bytes) -> bytes:
    return hashlib.md5(secret + message + secret, usedforsecurity=False).digest()


def _hmac_md5(secret: bytes, message: bytes) -> bytes:
    return hmac.new(secret, message, "md5").digest()


def _hmac_sha256(secret: bytes, message: bytes) -> bytes:
    return hmac.new(secret, message, "sha256").digest()


SIGNERS: Mapping[str, _Signer] = {"md5": _md5, "hmac": _hmac_md5, "hmac-sha256": _hmac_sha256}


def sign(params: Mapping[str, str], body: bytes, secret: str) -> str:
    """Upper-case hex over the sorted non-empty params (not `sign`) and the body bytes as they travel.

    A form has no body beside its params. `params["sign_method"]` chooses the algorithm; KeyError when it is none
    of SIGNERS.
    """
    pairs = (name + params[name] for name in sorted(params) if name != "sign" and params[name])
    message = "".join(pairs).encode("utf-8", "replace") + body
    return SIGNERS[params["sign_method"]](secret.encode(), message).hex().upper()
