"""What the group robots share: one JSON message, answered HTTP 200 whatever became of it. Owns reading that answer.

Sources: backends' own pages; a library that looks at the HTTP status alone reports success for refused messages.
A robot has no idempotency: a message repeated after an unknown outcome stands in the group twice, which annoys and
harms nobody.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from connectors import fields
from connectors.http import Call, send, unexplained
from domain.errors import Broken, OmsError, RateLimited, Refused, Unavailable
from domain.messages import CRITICAL, WARNING

LATER, TOO_OFTEN, NO = "later", "too often", "no"
MARKS = {CRITICAL: "【紧急】", WARNING: "【注意】"}


@dataclass(frozen=True, slots=True)
class Speech:
    """How a robot's service answers: the names of its code and words, what its codes mean, and its patience."""

    vendor: str
    code: str
    words: str
    codes: Mapping[int, str]
    patience_seconds: float


async def tell(http: httpx.AsyncClient, speech: Speech, target: tuple[str, str], message: Mapping[str, Any]) -> None:
    """Send one message to a URL under our id; raise one of the three words unless it was taken."""
    url, ref = target
    body = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
    call = Call(speech.vendor, ref, url, body, {"content-type": "application/json; charset=utf-8"})
    reply = await send(http, call)
    try:
        answer = json.loads(reply.body)
    except ValueError as error:
        raise unexplained(call, reply) from error
    if not isinstance(answer, dict) or not isinstance(answer.get(speech.code), int):
        raise unexplained(call, reply)
    code = int(answer[speech.code])
    if code:
        raise failure(speech, code, f"{fields.vendor_text(str(answer.get(speech.words, '')))} ({ref})")


def failure(speech: Speech, code: int, told: str) -> OmsError:
    """Translate a code that is not 0; those that nobody listed are Broken and named."""
    kind = speech.codes.get(code)
    if kind == TOO_OFTEN:
        return RateLimited(f"{speech.vendor} {code}: {told}", speech.patience_seconds)
    if kind == LATER:
        return Unavailable(f"{speech.vendor} {code}: {told}")
    if kind == NO:
        return Refused(str(code), told)
    return Broken(f"{speech.vendor} answered {code}: {told}")


def headline(title: str, level: str) -> str:
    """Mark a title by its level, in words: colours alone do not tell."""
    return f"{MARKS.get(level, '')}{title}"
