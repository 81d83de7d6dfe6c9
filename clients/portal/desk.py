"""What every page of the buyers' process shares: who may see which order, and the line to the engine."""

import asyncio
import hmac
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from temporalio.client import Client

from clients.clock import Clock
from clients.portal.drawing import Drawing, language_of
from clients.portal.forms import Sent
from clients.portal.policy_words import PolicyWords, in_english
from clients.portal.words import say
from clients.settings import PortalSettings
from clients.temporal import connect
from domain.errors import BadInput, Unavailable
from store.keyring import KeyRing
from store.portal_access import PortalAccess
from store.portal_cases import PortalCases
from store.reads.portal import PortalReads

DIAL_SECONDS = 3.0


class Line:
    """The connection to Temporal, dialled when somebody decides something; no page waits for it."""

    def __init__(self) -> None:
        self._client: Client | None = None
        self._dialling = asyncio.Lock()

    async def client(self) -> Client:
        """Give the connection; raise Unavailable when nobody answers."""
        async with self._dialling:
            if self._client is None:
                try:
                    self._client = await asyncio.wait_for(connect(), DIAL_SECONDS)
                except TimeoutError:
                    raise Unavailable("Temporal: no answer") from None
            return self._client


@dataclass(frozen=True, slots=True)
class Desk:
    """The parts that the pages use."""

    access: PortalAccess
    reads: PortalReads
    cases: PortalCases
    ring: KeyRing
    clock: Clock
    settings: PortalSettings
    drawing: Drawing
    line: Line

    @property
    def cookie(self) -> str:
        """The cookie of a browser that may see an order; behind TLS it binds to this host."""
        return f"{'__Host-' if self.settings.tls else ''}portal_session"

    async def key(self, request: Request) -> str | None:
        """Say which order this browser may see."""
        return await self.access.session(request.cookies.get(self.cookie), self.clock())

    def put(self, response: Response, name: str, value: str, seconds: int) -> None:
        """Set a cookie that no script reads and that no other site sends along with a form."""
        response.set_cookie(
            name, value, max_age=seconds, httponly=True, samesite="lax", secure=self.settings.tls, path="/"
        )

    def page(self, request: Request, name: str, status: int = 200, **values: Any) -> Response:
        """Draw a page."""
        return self.drawing.page(request, name, status, **values)

    def say(self, request: Request, word: str, /, **facts: object) -> str:
        """Give words in the reader's language."""
        return say(word, language_of(request), **facts)

    async def policy_words(self, request: Request) -> PolicyWords:
        """Give what says the policy's words in the reader's language."""
        return PolicyWords() if self.drawing.is_chinese(request) else in_english(await self.cases.policy())

    def form_word(self, about: str) -> str:
        """Give the word that proves that a form came from us: about an order's key, or a login form's nonce."""
        return self.ring.blind(about, "portal.form")

    def must_be_ours(self, about: str, sent: Sent, request: Request) -> None:
        """Raise BadInput unless the form carries its word."""
        if not hmac.compare_digest(self.form_word(about).encode(), sent.get("form").encode()):
            raise BadInput(self.say(request, "stale"))

    def missing(self, request: Request) -> Response:
        """Answer that there is no such page for this order."""
        return self.page(request, "message", 404, trouble=self.say(request, "missing"), goal="/portal/")


def to_login() -> Response:
    """Send a browser that may see nothing to the form."""
    return RedirectResponse("/portal/login", 303)
