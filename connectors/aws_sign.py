"""Signature Version 4 of Amazon's cloud, as its official SDK (botocore) makes it, for POSTs to a root."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

METHOD = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class Key:
    """Who signs, and for what: a key of an account, for one service in one region."""

    id: str
    secret: str = field(repr=False)
    region: str
    service: str


def sign(key: Key, headers: Mapping[str, str], body: bytes, at: datetime) -> dict[str, str]:
    """Give the headers with `x-amz-date` and `authorization` added; names are lower case, `host` is among them."""
    moment = f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    whole = {**headers, "x-amz-date": moment}
    names = ";".join(sorted(whole))
    told = "".join(f"{name}:{' '.join(whole[name].split())}\n" for name in sorted(whole))
    request = f"POST\n/\n\n{told}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    scope = f"{moment[:8]}/{key.region}/{key.service}/aws4_request"
    text = f"{METHOD}\n{moment}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    signer = f"AWS4{key.secret}".encode()
    for part in scope.split("/"):
        signer = hmac.new(signer, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(signer, text.encode(), hashlib.sha256).hexdigest()
    said = f"{METHOD} Credential={key.id}/{scope}, SignedHeaders={names}, Signature={signature}"
    return {**whole, "authorization": said}
