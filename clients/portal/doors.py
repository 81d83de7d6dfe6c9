"""The ways in: a one-time link, or order number and phone with a code. No answer tells whether an order exists."""

import math
import re
import secrets
from datetime import timedelta

from fastapi import FastAPI
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from clients.portal.desk import Desk, to_login
from clients.portal.forms import small_form
from clients.throttle import Pace, Throttle
from domain.errors import BadInput
from store.portal_access import SESSION_LASTS, Entered, LinkState

PER_PHONE = Pace(free=3, longest=timedelta(minutes=10), calm=timedelta(hours=1))
PER_ADDRESS = Pace(free=30, longest=timedelta(minutes=15))
"""A mobile network shows thousands of phones as one address."""
FORM_SECONDS = 3600
CHALLENGE_SECONDS = 600
FORM, CHALLENGE = "portal_form", "portal_code"
LONGEST_NO = 64
_PHONE = re.compile(r"\+?[\d -]{6,20}")
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{32}", re.ASCII)
_TOLD = {LinkState.USED: "link_used", LinkState.EXPIRED: "link_expired", LinkState.UNKNOWN: "link_unknown"}


class Doors:
    """Lets buyers in and out."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._by_phone = Throttle(PER_PHONE)
        self._by_address = Throttle(PER_ADDRESS)

    def add_routes(self, app: FastAPI) -> None:
        """Register the forms."""
        for path, show, take in (
            ("/portal/l/{token}", self.show_link, self.use_link),
            ("/portal/login", self.show_login, self.ask_code),
            ("/portal/code", self.show_code, self.try_code),
        ):
            app.add_api_route(path, show, methods=["GET"], response_model=None)
            app.add_api_route(path, take, methods=["POST"], response_model=None)
        app.add_api_route("/portal/leave", self.leave, methods=["POST"], response_model=None)

    async def show_link(self, request: Request, token: str) -> Response:
        """Show what a link opens. Only a press uses it up: messengers look at links before people do."""
        state = await self._desk.access.link(token, self._desk.clock())
        if state is LinkState.GOOD:
            return self._desk.page(request, "link", token=token)
        if state is LinkState.USED and await self._desk.key(request) is not None:
            return RedirectResponse("/portal/order", 303)
        return self._login(request, self._desk.say(request, _TOLD[state]), 410 if state in _TOLD else 200)

    async def use_link(self, request: Request, token: str) -> Response:
        """Open the order of a link, once."""
        entered = await self._desk.access.use_link(token, self._desk.clock())
        return self._in(entered) if entered else await self.show_link(request, token)

    async def show_login(self, request: Request) -> Response:
        """Show the form for order number and phone."""
        return self._login(request)

    async def ask_code(self, request: Request) -> Response:
        """Answer the same to everybody, after the same time; the code is drawn and sent once that is done."""
        desk, sent = self._desk, await small_form(request)
        nonce = request.cookies.get(FORM, "")
        try:
            desk.must_be_ours(f"login|{nonce}", sent, request)
        except BadInput as error:
            return self._login(request, str(error), 400)
        no, phone = sent.get("no"), sent.get("phone")
        if not no or len(no) > LONGEST_NO or not _PHONE.fullmatch(phone):
            return self._login(request, desk.say(request, "bad_login"), 400)
        if seconds := self._wait(request, phone):
            return self._login(request, desk.say(request, "slow", seconds=seconds), 429)
        challenge = secrets.token_urlsafe(24)
        task = BackgroundTask(desk.access.ask_code, no, phone, challenge, desk.clock())
        response = RedirectResponse("/portal/code", 303, background=task)
        desk.put(response, CHALLENGE, challenge, CHALLENGE_SECONDS)
        return response

    async def show_code(self, request: Request) -> Response:
        """Show the form for the code."""
        return self._code(request) if CHALLENGE in request.cookies else to_login()

    async def try_code(self, request: Request) -> Response:
        """Open the order of a code."""
        desk, sent = self._desk, await small_form(request)
        challenge = request.cookies.get(CHALLENGE, "")
        if seconds := self._wait(request):
            return self._code(request, desk.say(request, "slow", seconds=seconds), 429)
        if not _CHALLENGE.fullmatch(challenge):
            return to_login()
        entered = await desk.access.try_code(challenge, sent.get("code")[:16], desk.clock())
        if entered is None:
            return self._code(request, desk.say(request, "code_wrong"), 401)
        self._by_address.forgive(_address(request))
        response = self._in(entered)
        response.delete_cookie(CHALLENGE, path="/", secure=desk.settings.tls, httponly=True, samesite="lax")
        return response

    async def leave(self, request: Request) -> Response:
        """End the session of this browser."""
        desk, sent = self._desk, await small_form(request)
        key = await desk.key(request)
        if key is not None:
            desk.must_be_ours(key, sent, request)
            await desk.access.end(request.cookies[desk.cookie])
        response = to_login()
        response.delete_cookie(desk.cookie, path="/", secure=desk.settings.tls, httponly=True, samesite="lax")
        return response

    def _in(self, entered: Entered) -> Response:
        response = RedirectResponse("/portal/order", 303)
        self._desk.put(response, self._desk.cookie, entered.cookie, int(SESSION_LASTS.total_seconds()))
        return response

    def _login(self, request: Request, trouble: str = "", status: int = 200) -> Response:
        nonce = secrets.token_hex(16)
        word = self._desk.form_word(f"login|{nonce}")
        response = self._desk.page(request, "login", status, trouble=trouble, form_word=word)
        self._desk.put(response, FORM, nonce, FORM_SECONDS)
        return response

    def _code(self, request: Request, trouble: str = "", status: int = 200) -> Response:
        return self._desk.page(request, "code", status, trouble=trouble)

    def _wait(self, request: Request, phone: str = "") -> int:
        """Count one try and say how many seconds it has to wait; 0 when it may go on. No phone is kept in clear."""
        now, address = self._desk.clock(), _address(request)
        blind = self._desk.ring.blind(re.sub(r"\D", "", phone)[-11:], "portal.throttle") if phone else ""
        wait = self._by_address.wait(address, now)
        if blind:
            wait = max(wait, self._by_phone.wait(blind, now))
        if wait:
            return math.ceil(wait.total_seconds())
        self._by_address.begin(address, now)
        if blind:
            self._by_phone.begin(blind, now)
        return 0


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
