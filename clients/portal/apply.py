"""Asking for after-sales in three steps: the kind, the goods with the reason, the sum with photos. Owns these forms.

Each step is an address, so that going back loses nothing. The last form's nonce makes sending it twice one request.
"""

import asyncio
import re
import secrets
from collections.abc import Mapping
from dataclasses import replace

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from clients.portal.desk import Desk, to_login
from clients.portal.forms import Sent, form_with_photos
from clients.servicing import minor_of
from connectors.files.photo import clean_photo
from domain.after_sales import CaseKind
from domain.buyer_offers import KINDS, NAMES_AMOUNT
from domain.errors import BadInput, Refused
from domain.photos import BadPhoto, Photo, PhotoLimits
from store.portal_cases import MOST_LISTED, Wish

MOST_WORDS = 500
AT_ONCE = 2
"""Photos that are decoded side by side: each may take a few hundred megabytes for a moment."""
_NONCE = re.compile(r"[0-9a-f]{32}", re.ASCII)


class Photos:
    """Makes photos new, a few at a time, beside the event loop."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def clean(self, raw: bytes, most_bytes: int) -> Photo:
        """Check a photo and make it new; BadPhoto says in the buyer's words what is wrong."""
        async with self._turns:
            return await asyncio.to_thread(clean_photo, raw, PhotoLimits(most_bytes=most_bytes))


class Apply:
    """The three steps."""

    def __init__(self, desk: Desk, photos: Photos) -> None:
        self._desk = desk
        self._photos = photos

    def add_routes(self, app: FastAPI) -> None:
        """Register the steps."""
        app.add_api_route("/portal/apply", self.kinds, methods=["GET"], response_model=None)
        app.add_api_route("/portal/apply/{kind}", self.lines, methods=["GET"], response_model=None)
        app.add_api_route("/portal/apply/{kind}/check", self.check, methods=["GET"], response_model=None)
        app.add_api_route("/portal/apply/{kind}/send", self.send, methods=["POST"], response_model=None)

    async def kinds(self, request: Request) -> Response:
        """Show what can be asked for now, and why not the rest."""
        desk = self._desk
        if (key := await desk.key(request)) is None:
            return to_login()
        offers = await desk.cases.kinds(key, desk.clock())
        return desk.page(
            request, "kinds", offers=offers, said=await desk.policy_words(request), leave=desk.form_word(key)
        )

    async def lines(self, request: Request, kind: str) -> Response:
        """Let the buyer choose goods and a reason."""
        return await self._lines(request, kind)

    async def check(self, request: Request, kind: str) -> Response:
        """Show what the choice comes to, line by line, before it is sent."""
        desk = self._desk
        if (key := await desk.key(request)) is None:
            return to_login()
        if kind not in KINDS:
            return desk.missing(request)
        try:
            wish = _wish(CaseKind(kind), request.query_params)
            if wish.kind in NAMES_AMOUNT and wish.amount_minor is None:
                return await self._lines(request, kind, desk.say(request, "wanted_bad"), 400)
            return await self._check(request, key, wish)
        except BadInput:
            return await self._lines(request, kind, desk.say(request, "choose_some"), 400)

    async def send(self, request: Request, kind: str) -> Response:
        """Open the case, once for a form; what is wrong is said beside the form, which keeps what was written."""
        desk = self._desk
        if (key := await desk.key(request)) is None:
            return to_login()
        if kind not in KINDS:
            return desk.missing(request)
        policy = await desk.cases.policy()
        sent = await form_with_photos(request, policy.most_photos, policy.photo_bytes)
        wish = _wish(CaseKind(kind), sent.fields)
        trouble = ""
        try:
            desk.must_be_ours(key, sent, request)
            no = await desk.cases.open(
                key, self._named(key, wish, sent), await self._clean(request, sent), desk.clock()
            )
            return RedirectResponse(f"/portal/case/{no}", 303)
        except BadPhoto as error:
            trouble = error.buyer_words if desk.drawing.is_chinese(request) else str(error)
        except BadInput as error:
            trouble = str(error)
        except Refused as refused:
            trouble = (await desk.policy_words(request))(refused.reason)
        return await self._check(request, key, wish, trouble)

    async def _clean(self, request: Request, sent: Sent) -> list[Photo]:
        policy = await self._desk.cases.policy()
        if len(sent.files) > policy.most_photos:
            raise BadInput(self._desk.say(request, "photo_many", n=policy.most_photos))
        return [await self._photos.clean(raw, policy.photo_bytes) for raw in sent.files]

    def _named(self, key: str, wish: Wish, sent: Sent) -> Wish:
        """Name the request by the form's nonce and the order: nobody reaches another order's case by its nonce."""
        nonce = sent.get("nonce")
        if not _NONCE.fullmatch(nonce):
            raise BadInput("nonce")
        request_key = f"buyer:{self._desk.ring.blind(f'{key}|{nonce}', 'portal.request')}"
        return replace(wish, request_key=request_key, words=sent.get("words")[:MOST_WORDS])

    async def _lines(self, request: Request, kind: str, trouble: str = "", status: int = 200) -> Response:
        desk, now = self._desk, self._desk.clock()
        if (key := await desk.key(request)) is None:
            return to_login()
        found = await desk.reads.order(key)
        if kind not in KINDS or found is None:
            return desk.missing(request)
        lines = await desk.cases.lines(key, CaseKind(kind), now)
        reasons = await desk.cases.reasons(key, CaseKind(kind), now)
        only = [line for line in lines if not line.why_not]
        values = {
            "kind": kind,
            "lines": lines,
            "most_listed": MOST_LISTED,
            "reasons": reasons,
            "currency": found.row.currency,
            "with_money": kind in {CaseKind.REFUND, CaseKind.RETURN},
            "most_minor": await desk.cases.most(key, now) if CaseKind(kind) in NAMES_AMOUNT else None,
            "said": await desk.policy_words(request),
            "only_one": len(only) == 1 and only[0].left == 1,
            "given": dict(request.query_params),
            "leave": desk.form_word(key),
        }
        return desk.page(request, "lines", status, trouble=trouble, **values)

    async def _check(self, request: Request, key: str, wish: Wish, trouble: str = "") -> Response:
        desk = self._desk
        estimate = await desk.cases.estimate(key, wish, desk.clock())
        found = await desk.reads.order(key)
        if found is None:
            return desk.missing(request)
        values = {
            "wish": wish,
            "estimate": estimate,
            "titles": {line.line_no: line.title for line in found.lines},
            "currency": found.row.currency,
            "policy": await desk.cases.policy(),
            "said": await desk.policy_words(request),
            "nonce": secrets.token_hex(16),
            "form_word": desk.form_word(key),
            "leave": desk.form_word(key),
            "most_words": MOST_WORDS,
            "back": f"/portal/apply/{wish.kind.value}",
        }
        return desk.page(request, "check", 400 if trouble else 200, trouble=trouble, **values)


def _wish(kind: CaseKind, given: Mapping[str, str]) -> Wish:
    """Read a choice: `n.LINE` is how many units of a line."""
    units = {}
    for name, value in given.items():
        if name.startswith("n.") and value.isascii() and value.isdecimal() and int(value[:6]) > 0:
            units[name[2:]] = int(value[:6])
    amount = _amount(given.get("amount", "")) if kind in NAMES_AMOUNT else None
    return Wish(kind, units, given.get("reason", ""), words=given.get("words", "")[:MOST_WORDS], amount_minor=amount)


def _amount(given: str) -> int | None:
    """Read an amount; None for what is none, so that the page asks again."""
    try:
        return minor_of(given) or None
    except BadInput:
        return None
