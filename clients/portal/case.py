"""One case for its buyer: where it stands, who must act next, and what the buyer may do about it. Owns these forms."""

import re

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from clients.portal.apply import Photos
from clients.portal.desk import Desk, to_login
from clients.portal.forms import Sent, form_with_photos, small_form
from clients.portal.progress import standing
from clients.temporal_cases import decide_case
from domain.after_sales import CaseDecision, CaseState, Choice
from domain.errors import BadInput, Refused, Unavailable
from domain.labels import TITLES, typed_number
from domain.photos import BadPhoto
from store.portal_cases import BUYER
from store.reads.portal import BuyerCase

REFRESH_SECONDS = 3
NEWS = frozenset({"waybill_saved", "label_saved", "withdrawn", "pending"})
_NO = re.compile(r"C\d{6,20}", re.ASCII)
_NUMBER = re.compile(r"\d{1,18}", re.ASCII)


class CasePages:
    """The page of a case and its forms."""

    def __init__(self, desk: Desk, photos: Photos) -> None:
        self._desk = desk
        self._photos = photos

    def add_routes(self, app: FastAPI) -> None:
        """Register the page and its forms."""
        app.add_api_route("/portal/case/{no}", self.show, methods=["GET"], response_model=None)
        app.add_api_route("/portal/case/{no}/photo/{number}", self.photo, methods=["GET"], response_model=None)
        for name, take in (("waybill", self.waybill), ("label", self.label), ("withdraw", self.withdraw)):
            app.add_api_route(f"/portal/case/{{no}}/{name}", take, methods=["POST"], response_model=None)

    async def show(self, request: Request, no: str) -> Response:
        """Show a case."""
        key, case = await self._found(request, no)
        if key is None:
            return to_login()
        if case is None:
            return self._desk.missing(request)
        return await self._page(request, key, case)

    async def photo(self, request: Request, no: str, number: str) -> Response:
        """Give a photo of the buyer's own case."""
        if (key := await self._desk.key(request)) is None:
            return to_login()
        known = _NO.fullmatch(no) and _NUMBER.fullmatch(number)
        body = await self._desk.reads.photo(key, no, int(number)) if known else None
        if body is None:
            return self._desk.missing(request)
        return Response(body, media_type="image/jpeg", headers={"Content-Disposition": "inline"})

    async def waybill(self, request: Request, no: str) -> Response:
        """Note the parcel that the buyer sends."""
        sent = await small_form(request)
        carrier = sent.get("carrier") if sent.get("carrier") in TITLES else ""
        try:
            number = typed_number(sent.get("waybill_no"))
        except BadInput:
            return await self._again(request, no, self._desk.say(request, "waybill_bad"))
        decision = CaseDecision(Choice.WAYBILL, BUYER, carrier=carrier, waybill_no=number)
        return await self._decide(request, no, sent, decision, "waybill_saved")

    async def withdraw(self, request: Request, no: str) -> Response:
        """Withdraw a case, as long as nothing came and nothing was paid."""
        sent = await small_form(request)
        return await self._decide(request, no, sent, CaseDecision(Choice.WITHDRAW, BUYER), "withdrawn")

    async def label(self, request: Request, no: str) -> Response:
        """Keep the photo of the parcel's label; it is read elsewhere."""
        key, case = await self._found(request, no)
        if key is None:
            return to_login()
        if case is None:
            return self._desk.missing(request)
        most = (await self._desk.cases.policy()).photo_bytes
        sent = await form_with_photos(request, 1, most)
        try:
            self._desk.must_be_ours(key, sent, request)
            if not sent.files:
                raise BadInput(self._desk.say(request, "photo_choose"))
            photo = await self._photos.clean(sent.files[0], most)
            await self._desk.cases.add_label(key, no, photo, self._desk.clock())
        except BadPhoto as error:
            words = error.buyer_words if self._desk.drawing.is_chinese(request) else str(error)
            return await self._page(request, key, case, words)
        except BadInput as error:
            return await self._page(request, key, case, str(error))
        except Refused as refused:
            return await self._page(request, key, case, refused.reason)
        return RedirectResponse(f"/portal/case/{no}?news=label_saved", 303)

    async def _decide(self, request: Request, no: str, sent: Sent, decision: CaseDecision, news: str) -> Response:
        desk = self._desk
        key, case = await self._found(request, no)
        if key is None:
            return to_login()
        if case is None:
            return desk.missing(request)
        try:
            desk.must_be_ours(key, sent, request)
            # What is decided names the nonce: pressing twice is one wish, another number is another one.
            nonce = desk.ring.blind(f"{no}|{decision.choice}|{decision.waybill_no}|{sent.get('nonce')}", "portal.wish")
            await decide_case(await desk.line.client(), no, decision, nonce)
        except BadInput as error:
            return await self._page(request, key, case, str(error))
        except Refused as refused:
            late = decision.choice is Choice.WITHDRAW and not standing(case.row).may_withdraw
            why = desk.say(request, "too_late") if late else refused.reason
            return await self._page(request, key, case, desk.say(request, "not_done", why=why))
        except Unavailable:
            return RedirectResponse(f"/portal/case/{no}?news=pending", 303)
        return RedirectResponse(f"/portal/case/{no}?news={news}", 303)

    async def _again(self, request: Request, no: str, trouble: str) -> Response:
        key, case = await self._found(request, no)
        if key is None:
            return to_login()
        return self._desk.missing(request) if case is None else await self._page(request, key, case, trouble)

    async def _found(self, request: Request, no: str) -> tuple[str | None, BuyerCase | None]:
        """Give the order of this browser, and the case if it is one of that order."""
        key = await self._desk.key(request)
        return key, await self._desk.reads.case(key, no) if key and _NO.fullmatch(no) else None

    async def _page(self, request: Request, key: str, case: BuyerCase, trouble: str = "") -> Response:
        desk, row, news = self._desk, case.row, request.query_params.get("news", "")
        checking = row.state == CaseState.CHECKING.value
        values = {
            "case": case,
            "row": row,
            "said": await desk.policy_words(request),
            "stands": standing(row),
            "nonce": desk.ring.blind(f"{row.no}|{row.state}|{row.waybill_no}", "portal.nonce"),
            "form_word": desk.form_word(key),
            "leave": desk.form_word(key),
            "zone": case.zone,
            "news": desk.say(request, news) if news in NEWS and not trouble else "",
            "refresh": REFRESH_SECONDS if checking and not trouble else 0,
        }
        return desk.page(request, "case", 400 if trouble else 200, trouble=trouble, **values)
