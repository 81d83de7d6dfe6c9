"""Sealing. Owns the key ring, AES-256-GCM with key ids, and the blind index (SEC-1). Knows no table.

A sealed value is `version byte, length of key id, key id, 12-byte nonce, ciphertext`; the key id and the caller's
context ("contact.phone|own:demo:T1") are authenticated, so that a value moved to another row does not open.
"""

import base64
import hashlib
import hmac
import json
import os
import secrets
import stat
import unicodedata
import zlib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from domain.errors import BadInput, Broken

VERSION = 1
NONCE_BYTES = 12
KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Master keys by id; `primary` seals, every key opens. The index key is never rotated."""

    keys: dict[str, bytes] = field(repr=False)
    primary: str
    index_key: bytes = field(repr=False)

    def seal(self, plain: bytes, context: str) -> bytes:
        """Encrypt under the primary key, bound to `context`."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        head = bytes([VERSION, len(self.primary)]) + self.primary.encode()
        return head + nonce + _cipher(self.keys[self.primary]).encrypt(nonce, plain, _aad(head, context))

    def open(self, sealed: bytes, context: str) -> bytes:
        """Decrypt; raise Broken when the key is missing or the value was changed or moved."""
        if len(sealed) < 2 or len(sealed) < 2 + sealed[1] + NONCE_BYTES:
            raise Broken("sealed value was cut short")
        head = sealed[: 2 + sealed[1]]
        key_id = head[2:].decode(errors="replace")
        if sealed[0] != VERSION or key_id not in self.keys:
            raise Broken(f"sealed value needs key {key_id!r}, which the key ring does not hold")
        start = len(head) + NONCE_BYTES
        try:
            cipher = _cipher(self.keys[key_id])
            return cipher.decrypt(sealed[len(head) : start], sealed[start:], _aad(head, context))
        except InvalidTag:
            raise Broken("sealed value was changed or belongs to another row") from None

    def seal_text(self, plain: str, context: str) -> bytes | None:
        """Seal a text; None stays for an empty one."""
        return self.seal(plain.encode(), context) if plain else None

    def open_text(self, sealed: bytes | None, context: str) -> str:
        """Open a text; an absent one is empty."""
        return self.open(sealed, context).decode() if sealed else ""

    def seal_raw(self, body: bytes, context: str) -> bytes:
        """Seal a raw message, compressed first."""
        return self.seal(zlib.compress(body, 1), context)

    def open_raw(self, sealed: bytes, context: str) -> bytes:
        """Open a raw message, byte for byte as it was received."""
        return zlib.decompress(self.open(sealed, context))

    def blind(self, value: str, purpose: str) -> str:
        """Give the search index of a value: equal values meet, nothing leads back (HMAC-SHA256, 128 bits)."""
        key = _blinding(self.index_key, purpose)
        folded = unicodedata.normalize("NFKC", value).strip().casefold()
        return hmac.new(key, folded.encode(), hashlib.sha256).hexdigest()[:32]


@cache
def _blinding(index_key: bytes, purpose: str) -> bytes:
    """Derive the key of one index; there are a handful, each is derived once."""
    return HKDF(hashes.SHA256(), KEY_BYTES, None, f"blind:{purpose}".encode()).derive(index_key)


@cache
def _cipher(key: bytes) -> AESGCM:
    return AESGCM(key)


def _aad(head: bytes, context: str) -> bytes:
    return head + b"|" + context.encode()


def load_keyring(path: Path) -> KeyRing:
    """Read the key ring file; raise BadInput when it is absent, readable by others, or not a key ring."""
    if not path.exists():
        raise BadInput(f"no key ring at {path}: make one with `oms keyring create {path}` and back it up")
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise BadInput(f"the key ring {path} has mode {mode:04o}: others can read it; run `chmod 600 {path}`")
    try:
        document = json.loads(path.read_text())
        keys = {key_id: base64.b64decode(value) for key_id, value in document["keys"].items()}
        ring = KeyRing(keys, str(document["primary"]), base64.b64decode(document["index_key"]))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"the key ring {path} cannot be read ({type(error).__name__}); restore it") from error
    if ring.primary not in keys or any(len(key) != KEY_BYTES for key in [*keys.values(), ring.index_key]):
        raise BadInput(f"the key ring {path} lacks its primary key or holds a key that is not 32 bytes")
    return ring


def create_keyring(path: Path) -> KeyRing:
    """Draw a new key ring and write it with mode 0600; raise BadInput rather than overwrite one."""
    if path.exists():
        raise BadInput(f"{path} exists; a key ring is never overwritten")
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = {"primary": "k1", "keys": {"k1": _draw()}, "index_key": _draw()}
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump(fresh, file, indent=1)
    return load_keyring(path)


def _draw() -> str:
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()
