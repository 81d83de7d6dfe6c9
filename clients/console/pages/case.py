"""/cases/{no}: what it waits for, since when, who acts, what you can do; its money line by line; then the rest."""

from markupsafe import Markup
from nicegui import app
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from clients.console.case_lists import case_url
from clients.console.frame import Desk, Frame, framed, not_allowed, page_at
from clients.console.gate import session_of
from clients.console.html import Child, body, empty, link, section, tag
from clients.console.pages import case_parts as parts
from clients.console.pages.case_acts import CaseActs
from clients.console.pages.cases import reason_words
from domain.errors import Broken, Unavailable
from domain.permissions import Action
from store import audit
from store.reads.case_page import CasePage, CasePages, opened_photo
from store.replay import By
from store.users import ConsoleUsers

TEXTS = {
    "cases": "售后",
    "missing": "没有售后单 {no}",
    "missing_next": "请核对号码，或在售后列表里查找。",
    "photos": "已显示照片，查看已记入审计。",
    "no_photo": "没有这张照片\n",
    "away": "数据库暂时没有应答，请稍后再试\n",
}
LIVE_SECONDS = 1.5


def register(desk: Desk) -> None:
    """Register the page and its photos."""

    @page_at("/cases/{no}")
    async def case(request: Request, no: str) -> None:
        await _draw(desk, request, no)

    async def photo(request: Request) -> Response:
        return await _photo(desk, request)

    app.add_api_route("/cases/{no}/photos/{photo:int}", photo, methods=["GET"], response_model=None)


async def _draw(desk: Desk, request: Request, no: str) -> None:
    frame, pages = framed(desk, request, no, "/cases"), CasePages(desk.database, desk.ring)
    acts, shown = CaseActs(frame, no, await _users(desk)), set[str]()

    async def read() -> Markup:
        if not frame.may(Action.SEE_CASES):
            return body(empty(not_allowed(Action.SEE_CASES)))
        page = await pages.page(no)
        if page is None:
            return body(empty(TEXTS["missing"].format(no=no), TEXTS["missing_next"]))
        reasons = await reason_words(desk)
        may = frame.may(Action.DECIDE_CASE)
        left = [parts.arithmetic(page), parts.goods(page), parts.story(page)]
        right = [
            parts.verdict(page, reasons),
            _words(frame, pages, page),
            parts.photos(page, f"{case_url(no)}/photos", no in shown, may),
        ]
        return body(
            tag("h1", link("/cases", TEXTS["cases"]), " / ", tag("span", no, class_="num wrap")),
            parts.first(page, desk.clock()),
            acts.buttons(page),
            tag("div", tag("div", left), tag("div", right), class_="two"),
        )

    async def dialogs() -> Markup:
        return acts.dialogs()

    async def photos(_: dict[str, str], __: By) -> str:
        shown.add(no)
        return TEXTS["photos"]

    frame.on("photos", Action.DECIDE_CASE, photos)
    await frame.show(read, LIVE_SECONDS)
    await frame.show(dialogs, LIVE_SECONDS)


async def _users(desk: Desk) -> dict[str, str]:
    """Give who may be handed a case; nobody while the store does not answer."""
    try:
        return {user.login: user.login for user in await ConsoleUsers(desk.database).all() if user.active}
    except (Unavailable, Broken):
        return {}


def _words(frame: Frame, pages: CasePages, page: CasePage) -> Child:
    """Show the buyer's own words to who talks with buyers."""
    if page.case.words_sealed is None:
        return None
    if not frame.may(Action.DECIDE_CASE):
        return section(parts.TEXTS["words"], tag("p", parts.TEXTS["hidden_words"], class_="faint"))
    return section(parts.TEXTS["words"], tag("p", pages.opened_words(page), class_="wrap"))


async def _photo(desk: Desk, request: Request) -> Response:
    """Give one photo to who may see it, and note who saw it (SEC-1)."""
    session = session_of(request)
    if not session.may(Action.DECIDE_CASE):
        return PlainTextResponse(f"{not_allowed(Action.DECIDE_CASE)}\n", 403)
    no, photo_id = str(request.path_params["no"]), int(request.path_params["photo"])
    try:
        async with desk.database.transaction() as tx:
            found = await opened_photo(tx, desk.ring, no, photo_id)
            if found is None:
                return PlainTextResponse(TEXTS["no_photo"], 404)
            told = {"photo": photo_id, "kind": found[0]}
            await audit.write(tx, "case.photo_opened", no, desk.clock(), actor=session.login, **told)
    except Unavailable:
        return PlainTextResponse(TEXTS["away"], 503)
    return Response(found[1], media_type="image/jpeg")
