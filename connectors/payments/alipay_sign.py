"""Alipay's cryptography: signed requests, the proof of its answers and of what it notifies. No I/O.

All three are RSA-SHA256 (PKCS#1 v1.5), base64. Requests and notifications are signed over `k=v` joined by `&` in the
order of the names, with raw values, empty ones left out; answers over the very text of their object as it came. With
two public keys in the account either is believed, so that they may rotate (INT-14).
"""

import base64
import binascii
import json
from collections.abc import Collection, Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

from connectors import fields, rsa_keys
from domain.errors import Broken, Forged
from domain.shops import Shop

SIGN, SIGN_TYPE, RSA2 = "sign", "sign_type", "RSA2"
PRIVATE, PUBLIC = "private_key", "alipay_public_key"
"""The names of the sealed params."""


def content(params: Mapping[str, str], without: Collection[str] = (SIGN,)) -> bytes:
    """Write what is signed of a request, or, without `sign_type` too, of a notification."""
    kept = sorted((name, value) for name, value in params.items() if value and name not in without)
    return "&".join(f"{name}={value}" for name, value in kept).encode("utf-8", "replace")


def sign(shop: Shop, params: Mapping[str, str]) -> str:
    """Sign a request with our application's private key; Broken when the account has none that can be read."""
    try:
        key = rsa_keys.private_key(shop.sealed.get(PRIVATE, ""))
    except ValueError as error:
        raise Broken(f"shop {shop.code} ({shop.vendor}), {PRIVATE}: {error}") from error
    return base64.b64encode(key.sign(content(params), PKCS1v15(), hashes.SHA256())).decode()


def check_notice(shop: Shop, form: Mapping[str, str]) -> None:
    """Raise Forged unless Alipay signed this form; some of its messages count `sign_type` in, most do not."""
    given = form.get(SIGN, "")
    if not given:
        raise Forged("sign is missing")
    texts = (content(form, (SIGN, SIGN_TYPE)), content(form, (SIGN,)))
    if not any(_fits(shop, text, given) for text in texts):
        raise Forged(f"the signature does not fit: is {PUBLIC} the key that Alipay shows for this application?")


def answer_text(body: bytes, names: Collection[str]) -> tuple[str, str]:
    """Cut the answer's object out of a body, exactly as it was signed, and give its signature; ValueError if absent."""
    whole = body.decode()
    told = json.loads(whole)
    name = next((name for name in names if isinstance(told, dict) and name in told), None)
    if name is None:
        raise ValueError("no answer in it")
    start = whole.index("{", whole.index(f'"{name}"') + len(name) + 2)
    _, end = json.JSONDecoder().raw_decode(whole, start)
    return whole[start:end], str(told.get(SIGN, ""))


def check_answer(shop: Shop, text: str, given: str) -> None:
    """Raise Forged unless Alipay signed the text of an answer."""
    if not given:
        raise Forged("sign is missing")
    if not _fits(shop, text.encode(), given):
        raise Forged("the signature does not fit")


def _fits(shop: Shop, text: bytes, given: str) -> bool:
    try:
        signature = base64.b64decode(given, validate=True)
    except (binascii.Error, ValueError):
        return False
    try:
        keys = rsa_keys.public_keys(shop.sealed.get(PUBLIC, ""))
    except ValueError as error:
        raise Broken(f"shop {shop.code} ({shop.vendor}), {PUBLIC}: {error}") from error
    for key in keys:
        try:
            key.verify(signature, text, PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            continue
        return True
    return False


def faults(shop: Shop) -> list[str]:
    """Say what is wrong with an account's keys before anything is sent with them."""
    told = []
    for name, read in ((PRIVATE, rsa_keys.private_key), (PUBLIC, rsa_keys.public_keys)):
        try:
            read(shop.sealed.get(name, ""))
        except ValueError as error:
            told.append(f"{name}: {error}")
    return told + fields.paid_shop_faults(shop)
