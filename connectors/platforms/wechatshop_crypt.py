"""How WeChat signs and seals what it pushes. Owns both, and nothing of what is said.

Signed is the sorted list of token, timestamp, nonce and, of a message, its sealed body. Sealed is AES-256-CBC with the
key's first 16 bytes as its beginning: 16 random bytes, the length in 4, the message, the appid; padded to 32 bytes.
"""

import base64
import binascii
import hashlib

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from domain.errors import Forged

RANDOM_BYTES, LENGTH_BYTES, BLOCK, VECTOR_BYTES, KEY_BYTES = 16, 4, 32, 16, 32


def sign(*parts: str) -> str:
    """Lower-case hex SHA-1 over the sorted parts, joined."""
    return hashlib.sha1("".join(sorted(parts)).encode("utf-8", "replace"), usedforsecurity=False).hexdigest()


def aes_key(encoding_key: str) -> bytes:
    """Give the key behind an EncodingAESKey; ValueError when it is none."""
    try:
        key = base64.b64decode(f"{encoding_key}=", validate=True)
    except binascii.Error as error:
        raise ValueError("not 43 letters and digits") from error
    if len(key) != KEY_BYTES:
        raise ValueError("not 43 letters and digits")
    return key


def unseal(sealed: str, encoding_key: str, appid: str) -> bytes:
    """Open a message; Forged when it was not sealed with this key for this application."""
    try:
        key, body = aes_key(encoding_key), base64.b64decode(sealed, validate=True)
    except ValueError as error:
        raise Forged("Encrypt is not base64, or encoding_aes_key is none") from error
    if not body or len(body) % VECTOR_BYTES:
        raise Forged("Encrypt is not a whole number of blocks")
    opener = Cipher(algorithms.AES(key), modes.CBC(key[:VECTOR_BYTES])).decryptor()
    plain = opener.update(body) + opener.finalize()
    padding = plain[-1]
    text = plain[RANDOM_BYTES : len(plain) - padding]
    length = int.from_bytes(text[:LENGTH_BYTES], "big")
    told, whose = text[LENGTH_BYTES : LENGTH_BYTES + length], text[LENGTH_BYTES + length :]
    if not 1 <= padding <= BLOCK or len(told) != length or whose != appid.encode():
        raise Forged("Encrypt does not open with encoding_aes_key for this appid")
    return told
