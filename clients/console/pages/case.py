"""/cases/{no}: what it waits for, since when, who acts, what you can do; its money line by line; then the rest."""

from markupsafe import Markup
from starlette.requests import Request

from clients.console.frame import Desk, Frame, framed, not_allowed, page_at
from clients.console.html import Child, body, empty, link, section, tag
from clients.console.pages import case_parts as parts
from clients.console.pages.case_acts import CaseActs
from clients.console.pages.case_evidence import Evidence
from clients.console.pages.cases import policy_of
from clients.console.pda.routes import SEES_PHOTOS
from domain.errors import Broken, Unavailable
from domain.permissions import Action
from store.reads.case_page import CasePage, CasePages
from store.replay import By
from store.users import ConsoleUsers

TEXTS = {
    "cases": "售后",
    "missing": "没有售后单 {no}",
    "missing_next": "请核对号码，或在售后列表里查找。",
    "photos": "已显示照片，查看已记入审计。",
}
LIVE_SECONDS = 1.5


def register(desk: Desk) -> None:
    """Register the page."""

    evidence = Evidence(desk)
    evidence.register()

    @page_at("/cases/{no}")
    async def case(request: Request, no: str) -> None:
        await _draw(desk, evidence, request, no)


async def _draw(desk: Desk, evidence: Evidence, request: Request, no: str) -> None:
    frame, pages = framed(desk, request, no, "/cases"), CasePages(desk.database, desk.ring)
    acts, shown = CaseActs(frame, no, await _users(desk)), set[str]()
    if (came := evidence.told(request, frame.session)) is not None:
        frame.say(came.words, well=came.well)
        shown |= {no} if came.well else set()

    async def read() -> Markup:
        if not frame.may(Action.SEE_CASES):
            return body(empty(not_allowed(Action.SEE_CASES)))
        page = await pages.page(no)
        if page is None:
            return body(empty(TEXTS["missing"].format(no=no), TEXTS["missing_next"]))
        policy = await policy_of(desk)
        reasons, acts.limit_minor = {one.code: one.words for one in policy.reasons}, policy.agent_up_to_minor
        may = any(frame.may(one) for one in SEES_PHOTOS)
        left = [parts.arithmetic(page), parts.goods(page), parts.story(page, reasons)]
        right = [
            parts.verdict(page, reasons),
            _words(frame, pages, page),
            parts.photos(page, no in shown, may),
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

    async def form() -> Markup:
        known = await pages.page(no) if frame.may(Action.SEE_CASES) else None
        return evidence.form(frame, no, await policy_of(desk)) if known else Markup()

    frame.on("photos", Action.SEE_CASES, photos)
    await frame.show(read, LIVE_SECONDS)
    await frame.show(form, seconds=0)
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
