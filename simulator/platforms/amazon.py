"""Amazon's Selling Partner API for all its shops here: orders, shipment confirmation, listings, tokens. Owns no state.

It pushes nothing: what changes waits to be asked for. There is no interface for returns, so a buyer who asks for one is
told no on the platform's own pages.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from simulator.cases import SaleCase
from simulator.clock import now
from simulator.market import ListsDead, Stall, Surroundings, Unheard
from simulator.platform import Kind, Opening
from simulator.platforms import amazon_orders as shows
from simulator.platforms.amazon_orders import Json
from simulator.settings_shops import Seller
from simulator.shop import ShopOrder

BEHIND_SECONDS = 120
MOST_PER_PAGE, MOST_UNITS = 100, 1_000_000
RATE = "0.0056"
_REFERENCE = re.compile(r"[1-9][0-9]*")


class SpError(Exception):
    """The platform's no: HTTP status, code and message; `details` says more."""

    def __init__(self, status: int, code: str, message: str, details: str = "") -> None:
        super().__init__(code, message)
        self.status = status
        self.told = {"code": code, "message": message, "details": details}


class AmazonShop(Stall):
    """One seller in one marketplace."""

    uncharged = True

    def __init__(self, settings: Seller, around: Surroundings) -> None:
        super().__init__(settings, around)
        self.settings = settings
        currency = settings.more.get("currency")
        self.currency = currency.get_secret_value() if currency else "USD"
        behind = settings.more.get("behind_seconds")
        self.behind = timedelta(seconds=int(behind.get_secret_value()) if behind else BEHIND_SECONDS)
        self.packages: dict[tuple[str, str], str] = {}

    def tell_case(self, case: SaleCase) -> None:
        """Turn a case down: sellers see to it elsewhere."""
        if not case.over:
            self.answers.refuse(case, "seen to on the platform's own pages")


class AmazonPlatform:
    """Answers for all shops; the access token says which."""

    def __init__(self, opening: Opening) -> None:
        self.shops = [AmazonShop(one, opening.around) for one in opening.shops]
        self._faults: Counter[str] = opening.faults

    def routes(self) -> APIRouter:
        """Give the vendor's own paths."""
        router = APIRouter()

        @router.get("/orders/2026-01-01/orders")
        async def listed(request: Request) -> Response:
            return self._answer(request, lambda shop: _list(shop, dict(request.query_params), heard=_heard(request)))

        @router.get("/orders/v0/orders")
        async def listed_before(request: Request) -> Response:
            return self._answer(request, lambda shop: _old_list(shop, dict(request.query_params)))

        @router.get("/orders/2026-01-01/orders/{no}")
        async def detail(no: str, request: Request) -> Response:
            return self._answer(request, lambda shop: _detail(shop, no, heard=_heard(request)))

        @router.post("/orders/v0/orders/{no}/shipmentConfirmation")
        async def confirm(no: str, request: Request) -> Response:
            told = _json(await request.body())
            return self._answer(request, lambda shop: _confirm(shop, no, told))

        @router.patch("/listings/2021-08-01/items/{seller}/{sku}")
        async def listing(seller: str, sku: str, request: Request) -> Response:
            told = _json(await request.body())
            return self._answer(request, lambda shop: _patch(shop, seller, sku, told))

        @router.post("/auth/o2/token")
        async def token(request: Request) -> Response:
            if not _heard(request):
                raise Unheard
            form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
            return self._token(form)

        return router

    def _answer(self, request: Request, work: Callable[[AmazonShop], Json | None]) -> Response:
        try:
            shop = self._enter(request.headers.get("x-amz-access-token", ""))
            if shop.limited():
                shop.counts["limited"] += 1
                raise SpError(429, "QuotaExceeded", "You exceeded your quota for the requested resource.")
            told = work(shop)
        except SpError as error:
            self._faults[f"amazon_answered_{error.told['code']}"] += 1
            return JSONResponse({"errors": [error.told]}, error.status, {"x-amzn-RateLimit-Limit": RATE})
        return Response(status_code=204) if told is None else JSONResponse(told)

    def _enter(self, access: str) -> AmazonShop:
        for shop in self.shops:
            if shop.purse.holds(access) and not shop.purse.expired:
                return shop
        details = "The access token you provided has expired or is not known."
        raise SpError(403, "Unauthorized", "Access to requested resource is denied.", details)

    def _token(self, form: Mapping[str, str]) -> JSONResponse:
        """Give an access token; a refresh token may be used again and again."""
        for shop in self.shops:
            keys = (shop.settings.app_key, shop.settings.secret.get_secret_value(), shop.purse.refresh)
            if keys == (form.get("client_id"), form.get("client_secret"), form.get("refresh_token")):
                refresh = shop.purse.refresh
                tokens = shop.purse.renew()
                shop.purse.refresh = refresh
                shop.counts["tokens_renewed"] += 1
                lasts = min(tokens.expires_in, 3_600)
                told = {"access_token": tokens.access, "token_type": "bearer", "expires_in": lasts}
                return JSONResponse({**told, "refresh_token": refresh})
        return JSONResponse({"error": "invalid_grant", "error_description": "The refresh token is invalid"}, 400)


def _heard(request: Request) -> bool:
    return not request.scope.get("unheard", False)


def _json(body: bytes) -> Json:
    try:
        told = json.loads(body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _invalid(message: str) -> SpError:
    return SpError(400, "InvalidInput", message)


def _list(shop: AmazonShop, query: Mapping[str, str], *, heard: bool) -> Json:
    """List what was created or changed in a window, both ends included, by token."""
    shop.check_lists()
    clock, begins, ends = _window(query, shop.behind)
    if query.get("marketplaceIds") != shows.MARKETPLACE:
        raise _invalid("marketplaceIds is not one of this seller's")
    size, token = query.get("maxResultsPerPage", "100"), query.get("paginationToken", "0")
    if not size.isdigit() or not 1 <= int(size) <= MOST_PER_PAGE or not token.isdigit():
        raise _invalid("maxResultsPerPage must be between 1 and 100, paginationToken one that was given")
    wanted = set(filter(None, query.get("fulfillmentStatuses", "").split(",")))
    found = [
        order
        for order in shop.listed()
        if begins <= _second(getattr(order, clock)) <= ends and (not wanted or shows.status_of(order) in wanted)
    ]
    found.sort(key=lambda order: (getattr(order, clock), order.plan.no))
    at = int(token)
    shown = found[at : at + int(size)]
    shop.counts["lists_answered"] += 1
    if heard and clock == "updated_at":
        for order in shown:
            order.show()
    more = {"pagination": {"nextToken": str(at + len(shown))}} if at + len(shown) < len(found) else {}
    return {"orders": [shows.whole(order, shop.currency) for order in shown], **more}


def _old_list(shop: AmazonShop, query: Mapping[str, str]) -> Json:
    """List by the older interface: names and words only, which show an order to nobody."""
    names = {"LastUpdatedAfter": "lastUpdatedAfter", "LastUpdatedBefore": "lastUpdatedBefore"}
    names |= {"MarketplaceIds": "marketplaceIds", "MaxResultsPerPage": "maxResultsPerPage"}
    asked = {names[name]: value for name, value in query.items() if name in names}
    if "NextToken" in query:
        asked["paginationToken"] = query["NextToken"]
    found = _list(shop, asked, heard=False)
    told = found["orders"]
    rows = [shows.old_row(one) for one in told] if isinstance(told, list) else []
    page = found.get("pagination")
    more = {"NextToken": page["nextToken"]} if isinstance(page, dict) else {}
    return {"payload": {"Orders": rows, **more}}


def _window(query: Mapping[str, str], behind: timedelta) -> tuple[str, float, float]:
    clocks = {"lastUpdated": "updated_at", "created": "placed_at"}
    given = [name for name in clocks if f"{name}After" in query]
    if len(given) != 1:
        raise _invalid("exactly one of createdAfter and lastUpdatedAfter must be given")
    try:
        begins = datetime.fromisoformat(query[f"{given[0]}After"])
        ends = datetime.fromisoformat(query.get(f"{given[0]}Before", shows.when(now() - behind)))
    except ValueError:
        raise _invalid("a date must be in ISO 8601 format") from None
    if ends < begins or ends > now() - behind:
        past = f"{behind.total_seconds():.0f} seconds in the past"
        raise _invalid(f"{given[0]}Before must be after {given[0]}After and at least {past}")
    return clocks[given[0]], begins.timestamp(), ends.timestamp()


def _second(moment: datetime | None) -> float:
    return float(int(moment.timestamp())) if moment else 0.0


def _find(shop: AmazonShop, no: str) -> ShopOrder:
    order = shop.find(no)
    if order is None:
        raise SpError(404, "NotFound", "The order is not known.")
    return order


def _detail(shop: AmazonShop, no: str, *, heard: bool) -> Json:
    order = _find(shop, no)
    shop.counts["details_answered"] += 1
    if heard:
        order.show()
    return {"order": shows.whole(order, shop.currency)}


def _confirm(shop: AmazonShop, no: str, told: Json) -> None:
    """Take a package with its units; one that came before under the same reference is no second one."""
    order, package = _find(shop, no), told.get("packageDetail")
    if told.get("marketplaceId") != shows.MARKETPLACE or not isinstance(package, dict):
        raise _invalid("marketplaceId and packageDetail must be given")
    reference, waybill = str(package.get("packageReferenceId")), str(package.get("trackingNumber") or "")
    if not _REFERENCE.fullmatch(reference) or not waybill or not package.get("carrierCode"):
        raise _invalid("packageReferenceId must be a positive number, trackingNumber and carrierCode must be given")
    units = _units(order, package.get("orderItems"))
    if shop.packages.get((no, reference)) == waybill:
        raise _invalid("The package was confirmed before.")
    unsent = order.unsent()
    if order.status != "paid" or any(n > unsent.get(line, 0) for line, n in units.items()):
        shop.refuse_back(order, waybill)
        raise _invalid("The order cannot be shipped, or has fewer units left.")
    shop.packages[no, reference] = waybill
    shop.take_back(order, dict(units), str(package.get("carrierName") or package["carrierCode"]), waybill)


def _units(order: ShopOrder, items: object) -> Counter[str]:
    if not isinstance(items, list) or not items:
        raise _invalid("orderItems must name items")
    lines = order.plan.basket.lines
    by_id = {shows.order_item_id(order.plan.no, place): line.no for place, line in enumerate(lines)}
    units: Counter[str] = Counter()
    for item in items:
        given = item if isinstance(item, dict) else {}
        quantity = given.get("quantity")
        if given.get("orderItemId") not in by_id or not isinstance(quantity, int) or quantity < 1:
            raise _invalid("orderItems must hold items of this order with quantities")
        units[by_id[str(given["orderItemId"])]] += quantity
    return units


def _patch(shop: AmazonShop, seller: str, sku: str, told: Json) -> Json:
    """Set the quantity of one SKU; what is wrong with it is an issue of an invalid submission."""
    trouble = shop.shelf.trouble()
    if trouble == "error":
        raise ListsDead
    if trouble == "limit":
        raise SpError(429, "QuotaExceeded", "You exceeded your quota for the requested resource.")
    if seller != shop.settings.shop_id or not told.get("productType"):
        raise _invalid("sellerId and productType must be those of the listing")
    quantity = _quantity(told.get("patches"))
    listing = shop.shelf.listings.get(sku)
    answer: Json = {"sku": sku, "submissionId": f"sub-{sku}", "issues": []}
    if listing is None:
        issue = {"code": "8541", "message": "The SKU does not match any listing.", "severity": "ERROR"}
        return {**answer, "status": "INVALID", "issues": [issue]}
    shop.shelf.tell(listing, quantity)
    return {**answer, "status": "ACCEPTED"}


def _quantity(patches: object) -> int:
    patch = _only(patches)
    value = _only(patch.get("value"))
    wanted = ("replace", "/attributes/fulfillment_availability", "DEFAULT")
    given = (patch.get("op"), patch.get("path"), value.get("fulfillment_channel_code"))
    quantity = value.get("quantity")
    if given != wanted or isinstance(quantity, bool) or not isinstance(quantity, int):
        raise _invalid("patches must replace /attributes/fulfillment_availability of the channel DEFAULT")
    if not 0 <= quantity <= MOST_UNITS:
        raise _invalid("quantity must be between 0 and 1,000,000")
    return quantity


def _only(several: object) -> Json:
    """Give the one object in a list."""
    if isinstance(several, list) and len(several) == 1 and isinstance(several[0], dict):
        return several[0]
    raise _invalid("patches must hold one patch with one value")


KIND = Kind(
    vendor="amazon",
    order_no=lambda seed, n, drawn: f"{900 + seed % 100}-{seed % 1_000 * 10_000 + drawn % 10_000:07d}-{n + 1:07d}",
    open=AmazonPlatform,
)
