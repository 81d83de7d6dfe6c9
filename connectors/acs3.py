"""Aliyun's RPC calls signed by ACS3-HMAC-SHA256. Owns the signature, the envelope and the errors its products share."""

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

import httpx

from connectors import fields
from connectors.http import Call, send, unexplained
from domain.errors import Broken, RateLimited, Refused
from domain.shops import Shop

TOO_OFTEN = "isv.BUSINESS_LIMIT_CONTROL"
"""So many messages to one number; minutes, hours or a day have to pass."""
PATIENCE_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Action:
    """A call of a product: its version and name, what it asks, and our id of it."""

    vendor: str
    version: str
    name: str
    ref: str
    hidden: tuple[str, ...] = ()
    """Values that must not be read back into an error text."""


def authorization(key: tuple[str, str], query: Mapping[str, str], headers: Mapping[str, str], body: bytes = b"") -> str:
    """Sign a POST to `/` with an access key (id, secret) over all these headers; names in lower case."""
    digest = hashlib.sha256(body).hexdigest()
    signed = dict(headers) | {"x-acs-content-sha256": digest}
    names = ";".join(sorted(signed))
    lines = "".join(f"{name}:{signed[name].strip()}\n" for name in sorted(signed))
    canonical = f"POST\n/\n{canonical_query(query)}\n{lines}\n{names}\n{digest}"
    said = "ACS3-HMAC-SHA256\n" + hashlib.sha256(canonical.encode()).hexdigest()
    trace = hmac.new(key[1].encode(), said.encode(), hashlib.sha256).hexdigest()
    return f"ACS3-HMAC-SHA256 Credential={key[0]},SignedHeaders={names},Signature={trace}"


def canonical_query(query: Mapping[str, str]) -> str:
    """Write a query sorted and by RFC 3986."""
    return "&".join(f"{quote(name, safe='~')}={quote(query[name], safe='~')}" for name in sorted(query))


async def ask(http: httpx.AsyncClient, shop: Shop, action: Action, query: Mapping[str, str], now: datetime) -> Any:
    """Make one call; the answer's object when its Code is OK, else Refused, RateLimited or Broken."""
    base = httpx.URL(shop.endpoint_url)
    headers = {
        "host": base.netloc.decode(),
        "x-acs-version": action.version,
        "x-acs-action": action.name,
        "x-acs-date": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "x-acs-signature-nonce": secrets.token_hex(16),
    }
    signed = authorization((shop.key_id, fields.current_secret(shop)), query, headers)
    headers |= {"x-acs-content-sha256": hashlib.sha256(b"").hexdigest(), "authorization": signed}
    url = f"{shop.endpoint_url.rstrip('/')}/?{canonical_query(query)}"
    call = Call(action.vendor, f"{action.name} {action.ref}", url, b"", headers)
    reply = await send(http, call)
    try:
        answer = json.loads(reply.body)
    except ValueError as error:
        raise unexplained(call, reply) from error
    if not isinstance(answer, dict) or not isinstance(answer.get("Code"), str):
        raise unexplained(call, reply)
    if answer["Code"] == "OK":
        return answer
    code = fields.vendor_text(answer["Code"])
    told = f"{fields.vendor_text(str(answer.get('Message', '')), action.hidden)} ({call.ref})"
    if code == TOO_OFTEN:
        raise RateLimited(f"{action.vendor} {code}: {told}", PATIENCE_SECONDS)
    if code.startswith("isv."):
        raise Refused(code, told)
    raise Broken(f"{action.vendor} answered {code}: {told}")
