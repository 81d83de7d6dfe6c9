"""Routes of /pda and of photos: what is to be inspected, what was found. A form that comes twice counts once."""

import asyncio
import base64
import binascii
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import structlog
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

from clients.clock import Clock
from clients.console.gate import DATABASE_AWAY, session_of
from clients.console.pda.page import POLICY, refusal, shell
from clients.console.sessions import Session, Sessions
from clients.console.words import said
from connectors.files.photo import clean_photo
from domain.counting import Grade
from domain.errors import BadInput, Broken, Refused, Unavailable
from domain.observations import ReceivedLine
from domain.permissions import Action
from domain.photos import BadPhoto, PhotoLimits
from store import case_photos, inspections, return_intake
from store.case_photos import PhotoKind
from store.database import Database
from store.inspections import Found, HandedIn
from store.keyring import KeyRing
from store.reads import pda
from store.return_intake import Arrival

log = structlog.get_logger("console")
MOST_BODY = 12 * 1024 * 1024
MOST_LINES = 200
SEES_PHOTOS = (Action.INSPECT, Action.OPEN_CONTACT)
"""Who looks after goods, and who may read a buyer's own words and address."""


@dataclass(frozen=True, slots=True)
class Counter:
    """What the desk for returns needs."""

    database: Database
    ring: KeyRing
    sessions: Sessions
    clock: Clock


class Pda:
    """The page, its data, what is handed in, and photos."""

    def __init__(self, desk: Counter) -> None:
        self._desk = desk

    def add_routes(self, app: FastAPI) -> None:
        """Register them."""
        app.add_api_route("/pda", self.show, methods=["GET"], response_model=None)
        app.add_api_route("/pda/api/todo", self.todo, methods=["GET"], response_model=None)
        app.add_api_route("/pda/api/inspections", self.inspect, methods=["POST"], response_model=None)
        app.add_api_route("/pda/api/strays", self.stray, methods=["POST"], response_model=None)
        app.add_api_route("/photos/{number}", self.photo, methods=["GET"], response_model=None)

    async def show(self, request: Request) -> Response:
        """Show the page to those who inspect."""
        session = session_of(request)
        headers = {"Content-Security-Policy": POLICY}
        if not session.may(Action.INSPECT):
            return HTMLResponse(refusal(), 403, headers)
        return HTMLResponse(shell(session.login, self._desk.sessions.form_word(session.digest)), headers=headers)

    async def todo(self, request: Request) -> Response:
        """List what is to be inspected."""
        if not session_of(request).may(Action.INSPECT):
            return _no("not_allowed", 403)
        try:
            async with self._desk.database.transaction() as tx:
                return JSONResponse({"cases": await pda.todo(tx), "places": await pda.places(tx)})
        except (Unavailable, Broken):
            return PlainTextResponse(DATABASE_AWAY, 503)

    async def inspect(self, request: Request) -> Response:
        """Take what was found for a case."""
        return await self._take(request, self._inspect)

    async def stray(self, request: Request) -> Response:
        """Take a parcel of nobody, at a place without a system."""
        return await self._take(request, self._stray)

    async def photo(self, request: Request, number: str) -> Response:
        """Give one photo to those who may see it; who saw it is in the case's story."""
        session = session_of(request)
        if not any(session.may(action) for action in SEES_PHOTOS):
            return PlainTextResponse("您的角色不能看售后照片。\n", 403)
        try:
            async with self._desk.database.transaction() as tx:
                wanted = int(number) if number.isdigit() and len(number) < 19 else 0
                mime, body = await case_photos.show(tx, self._desk.ring, wanted, session.login, self._desk.clock())
        except Refused:
            return PlainTextResponse("没有这张照片。\n", 404)
        except (Unavailable, Broken):
            return PlainTextResponse(DATABASE_AWAY, 503)
        return Response(body, media_type=mime, headers={"Content-Security-Policy": "default-src 'none'"})

    async def _take(self, request: Request, book: Callable[[dict[str, Any], Session], Awaitable[bool]]) -> Response:
        """Check who sends a form, then book it; 4xx says what to mend, 5xx to send it again."""
        try:
            session = await self._desk.sessions.again(session_of(request).digest)
            if session is None:
                return _no("login", 401)
            if not session.may(Action.INSPECT):
                return _no("not_allowed", 403)
            form = await _form(request)
            if not self._desk.sessions.is_ours(session.digest, str(form.get("form", ""))):
                return _no("login", 401)
            return JSONResponse({"ok": True, "fresh": await book(form, session)})
        except BadPhoto as error:
            return _no(error.buyer_words, 422)
        except BadInput as error:
            return _no(said(str(error)), 422)
        except Refused as error:
            return _no(said(error.reason), 422)
        except (Unavailable, Broken) as error:
            log.warning("an inspection waits", reason=str(error))
            return PlainTextResponse(DATABASE_AWAY, 503)

    async def _inspect(self, form: dict[str, Any], session: Session) -> bool:
        no, photo = str(form.get("no", "")), form.get("photo")
        cleaned = await asyncio.to_thread(clean_photo, _bytes(photo)) if photo else None
        now = self._desk.clock()
        async with self._desk.database.transaction() as tx:
            photo_id = None
            if cleaned is not None:
                about = (no, PhotoKind.INSPECTION, session.login)
                photo_id = await case_photos.save(tx, self._desk.ring, about, cleaned, now)
            waybill = str(form.get("waybill_no", ""))[:64]
            handed = HandedIn(no, str(form.get("nonce", "")), session.login, _found(form), photo_id, waybill)
            return await inspections.hand_in(tx, handed, now)

    async def _stray(self, form: dict[str, Any], session: Session) -> bool:
        found, nonce = _found(form), str(form.get("nonce", ""))
        if not 8 <= len(nonce) <= 64:
            raise BadInput("the form has no number: reload the page")
        lines = tuple(ReceivedLine(one.sku, Grade.DEFECTIVE, one.good + one.damaged, one.sku) for one in found)
        waybill = str(form.get("waybill_no", "")).strip().upper()[:64]
        arrived = Arrival(str(form.get("place", "")), f"hand:{nonce}", lines, session.login, False, "", waybill)
        async with self._desk.database.transaction() as tx:
            if arrived.warehouse not in {code for code, _ in await pda.places(tx)}:
                raise BadInput("choose the place where the parcel was received")
            await inspections.check_skus(tx, [line.sku for line in lines])
            return await return_intake.keep_unmatched(tx, arrived, "", self._desk.clock())


async def _form(request: Request) -> dict[str, Any]:
    """Read a JSON object within bounds; BadInput says what is wrong."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MOST_BODY:
            raise BadInput(f"the form is larger than {MOST_BODY // 2**20} MiB: send a smaller photo")
        chunks.append(chunk)
    try:
        form = json.loads(b"".join(chunks))
    except ValueError:
        raise BadInput("the form was cut short on its way: send it again") from None
    if not isinstance(form, dict):
        raise BadInput("the form is not an object")
    return form


def _found(form: dict[str, Any]) -> tuple[Found, ...]:
    lines = form.get("lines")
    if not isinstance(lines, list) or not 0 < len(lines) <= MOST_LINES:
        raise BadInput(f"name 1 to {MOST_LINES} SKUs")
    found: list[Found] = []
    for line in lines:
        if not isinstance(line, dict):
            raise BadInput("a line is not an object")
        good, damaged = line.get("good", 0), line.get("damaged", 0)
        if type(good) is not int or type(damaged) is not int:
            raise BadInput("units are whole numbers")
        found.append(Found(str(line.get("sku", ""))[:64], good, damaged, str(line.get("note", ""))))
    return tuple(found)


def _bytes(written: object) -> bytes:
    try:
        return base64.b64decode(str(written).rpartition(",")[2], validate=True)[: PhotoLimits().most_bytes + 1]
    except (binascii.Error, ValueError):
        raise BadInput("the photo was cut short on its way: take it again") from None


def _no(words: str, status: int) -> Response:
    return JSONResponse({"ok": False, "words": words}, status)
