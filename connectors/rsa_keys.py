"""RSA keys in the forms in which vendors hand them out: PEM, certificates, bare base64. Owns the reading of them."""

import base64
import binascii
import re
from collections.abc import Iterator
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

KEYS_CACHED = 32
SERIAL_BYTES = 20
_BLOCK = re.compile(r"^-----BEGIN (PUBLIC KEY|CERTIFICATE)-----$.+?^-----END \1-----$", re.MULTILINE | re.DOTALL)


@lru_cache(KEYS_CACHED)
def private_key(text: str) -> RSAPrivateKey:
    """Read a private key (PKCS#8 or PKCS#1), in PEM or as base64 without its first and last line; else ValueError."""
    try:
        if "-----BEGIN" in text:
            key = serialization.load_pem_private_key(text.encode(), None)
        else:
            key = serialization.load_der_private_key(_bare(text), None)
    except (TypeError, ValueError) as error:
        raise ValueError("not a private key in PEM without a password") from error
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("not an RSA key")
    return key


def public_blocks(text: str) -> Iterator[tuple[str, str, RSAPublicKey]]:
    """Give each PEM block's line before it, the serial of a certificate, and the key; ValueError when unreadable."""
    at = 0
    for block in _BLOCK.finditer(text):
        named = [line.strip() for line in text[at : block.start()].splitlines() if line.strip()]
        serial, key = _read_block(block.group(0), block.group(1))
        yield (named[-1] if named else ""), serial, key
        at = block.end()


@lru_cache(KEYS_CACHED)
def public_keys(text: str) -> tuple[RSAPublicKey, ...]:
    """Read one key or several, as PEM blocks or as base64, one in a line; ValueError says what is wrong."""
    if "-----BEGIN" in text:
        found = tuple(key for _, _, key in public_blocks(text))
    else:
        found = tuple(_bare_public(line) for line in text.splitlines() if line.strip())
    if not found:
        raise ValueError("no public key or certificate in PEM")
    return found


def _bare(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("not base64") from error


def _bare_public(line: str) -> RSAPublicKey:
    try:
        return _rsa(serialization.load_der_public_key(_bare(line)))
    except ValueError as error:
        raise ValueError("a line that cannot be read as an RSA public key") from error


def _read_block(pem: str, kind: str) -> tuple[str, RSAPublicKey]:
    try:
        if kind == "CERTIFICATE":
            certificate = x509.load_pem_x509_certificate(pem.encode())
            return certificate.serial_number.to_bytes(SERIAL_BYTES).hex().upper(), _rsa(certificate.public_key())
        return "", _rsa(serialization.load_pem_public_key(pem.encode()))
    except ValueError as error:
        raise ValueError(f"a PEM block that cannot be read as an RSA {kind}") from error


def _rsa(key: object) -> RSAPublicKey:
    if not isinstance(key, RSAPublicKey):
        raise ValueError("not an RSA key")
    return key
