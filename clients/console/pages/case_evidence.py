"""Evidence photos of a case, handed in by an agent: the same limits as on the buyers' page, made new without EXIF.

Owns the form and its address. Each look at a photo is noted elsewhere (clients/console/pda/routes.py).
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from secrets import token_urlsafe

from markupsafe import Markup
from nicegui import app
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from clients.console.frame import Desk, Frame, not_allowed, told
from clients.console.gate import session_of
from clients.console.html import badge, section, tag, url
from clients.console.pages.cases import policy_of
from clients.console.sessions import Session
from clients.console.words import said
from connectors.files.photo import clean_photo
from domain.after_sales_policy import Policy
from domain.errors import BadInput, OmsError, Refused
from domain.permissions import Action
from domain.photos import BadPhoto, Photo, PhotoLimits
from store import case_photos
from store.case_photos import PhotoKind

FIELDS_BYTES = 64 * 1024
AT_ONCE = 2
"""Photos that are decoded side by side: each may take a few hundred megabytes for a moment."""
MOST_KEPT = 100
MEGA = 1_000_000

TEXTS = {
    "title": "添加凭证照片",
    "limits": "最多 {n} 张，每张不超过 {mb} MB，JPG、PNG 或 WebP；拍摄地点等隐藏信息会被去掉。",
    "choose": "选择照片",
    "send": "上传照片",
    "none": "请选择照片。",
    "many": "一次最多 {n} 张照片。",
    "large": "照片太大：每张不超过 {mb} MB，一次最多 {n} 张。",
    "not_ours": "页面已过期，请刷新后再上传。",
    "not_whole": "上传中断了，请再试一次。",
    "done": "已添加 {n} 张照片。",
}


@dataclass(frozen=True, slots=True)
class Came:
    """What came of handing photos in, for the one who did."""

    login: str
    words: str
    well: bool


class Evidence:
    """Takes photos and keeps what came of it until the page is drawn anew."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._came: OrderedDict[str, Came] = OrderedDict()

    def register(self) -> None:
        """Register the form's address."""
        app.add_api_route("/cases/{no}/photos", self.take, methods=["POST"], response_model=None)

    async def take(self, request: Request, no: str) -> Response:
        """Keep photos; what is wrong with them is said on the case's page, and none of them is kept."""
        session = session_of(request)
        try:
            photos = await self._photos(request, session)
            await self._keep(no, photos, session.login)
        except BadPhoto as error:
            return self._back(no, Came(session.login, error.buyer_words, well=False))
        except BadInput as error:
            return self._back(no, Came(session.login, said(str(error)), well=False))
        except Refused as refused:
            return self._back(no, Came(session.login, said(refused.reason), well=False))
        except OmsError as error:
            return self._back(no, Came(session.login, told(error), well=False))
        return self._back(no, Came(session.login, TEXTS["done"].format(n=len(photos)), well=True))

    def told(self, request: Request, session: Session) -> Came | None:
        """Give what came of the form that led to this page, to the one who sent it, once."""
        word = request.query_params.get("photos", "")
        found = self._came.get(word)
        return self._came.pop(word) if found and found.login == session.login else None

    def form(self, frame: Frame, no: str, policy: Policy) -> Markup:
        """Draw the form, or say why there is none."""
        if not frame.may(Action.DECIDE_CASE):
            return tag("div", section(TEXTS["title"], badge(not_allowed(Action.DECIDE_CASE), "warn")), class_="main")
        word = self._desk.sessions.form_word(frame.session.digest)
        limits = TEXTS["limits"].format(n=policy.most_photos, mb=policy.photo_bytes // MEGA)
        photos = tag("input", name="photo", type="file", accept="image/jpeg,image/png,image/webp", multiple=True,
                     required=True, id="evidence")  # fmt: skip
        form = tag(
            "form",
            tag("input", type="hidden", name="form", value=word),
            tag("label", tag("span", TEXTS["choose"]), photos),
            tag("p", limits, class_="faint"),
            tag("div", tag("button", TEXTS["send"], id="send-evidence"), class_="row"),
            action=f"/cases/{no}/photos", method="post", enctype="multipart/form-data", class_="stacked",
        )  # fmt: skip
        return tag("div", section(TEXTS["title"], form), class_="main")

    async def _photos(self, request: Request, session: Session) -> list[Photo]:
        """Read the form and make its photos new; BadInput or BadPhoto says in Chinese what is wrong."""
        if not session.may(Action.DECIDE_CASE):
            raise BadInput(not_allowed(Action.DECIDE_CASE))
        policy = await policy_of(self._desk)
        raw = await self._sent(request, session, policy)
        if not raw:
            raise BadInput(TEXTS["none"])
        if len(raw) > policy.most_photos:
            raise BadInput(TEXTS["many"].format(n=policy.most_photos))
        return [await self._clean(one, policy) for one in raw]

    async def _sent(self, request: Request, session: Session, policy: Policy) -> list[bytes]:
        most, length = policy.photo_bytes, request.headers.get("content-length", "")
        if not length.isdigit() or int(length) > FIELDS_BYTES + policy.most_photos * (most + 1024):
            raise BadInput(TEXTS["large"].format(mb=most // MEGA, n=policy.most_photos))
        try:
            # One file more than allowed is read, so that the page can say how many there may be.
            async with request.form(max_files=policy.most_photos + 1, max_fields=4) as form:
                if not self._desk.sessions.is_ours(session.digest, str(form.get("form", ""))):
                    raise BadInput(TEXTS["not_ours"])
                files = [one for one in form.getlist("photo") if isinstance(one, UploadFile)]
                bodies = [await one.read(most + 1) for one in files]
        except HTTPException:
            raise BadInput(TEXTS["not_whole"]) from None
        return [body for body in bodies if body]  # a browser sends an empty file where none was chosen

    async def _clean(self, raw: bytes, policy: Policy) -> Photo:
        async with self._turns:
            return await asyncio.to_thread(clean_photo, raw, PhotoLimits(most_bytes=policy.photo_bytes))

    async def _keep(self, no: str, photos: list[Photo], login: str) -> None:
        async with self._desk.database.transaction() as tx:
            for photo in photos:
                about = (no, PhotoKind.EVIDENCE, login)
                await case_photos.save(tx, self._desk.ring, about, photo, self._desk.clock())

    def _back(self, no: str, came: Came) -> Response:
        word = token_urlsafe(16)
        self._came[word] = came
        while len(self._came) > MOST_KEPT:
            self._came.popitem(last=False)
        return RedirectResponse(url(f"/cases/{no}", photos=word), 303)
