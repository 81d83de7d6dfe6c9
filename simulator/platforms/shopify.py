"""Shopify: one address for all questions and changes of all its shops, and the tokens. Owns no state of orders."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from functools import partial

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from simulator.market import Unheard
from simulator.platform import Kind, Opening
from simulator.platforms import shopify_changes as changes
from simulator.platforms import shopify_orders as shows
from simulator.platforms.shopify_graphql import Answerer, Document, GraphqlError, Json, page_of, parse
from simulator.platforms.shopify_shop import VERSION, ShopifyShop
from simulator.shop import ShopOrder

COST, BUCKET, RESTORED = 52, 2_000.0, 100.0
_BETWEEN = re.compile(r"(updated_at|created_at):(>=|<=)'([^']*)'")
_RETURN_STATUS = re.compile(r"return_status:([a-z_]+)")
KEPT_SECONDS = 60 * 86_400


class ShopifyPlatform:
    """Answers for all Shopify shops; the access token says which."""

    def __init__(self, opening: Opening) -> None:
        around = (opening.around, opening.gateway_url, opening.sender)
        self.shops = [ShopifyShop(one, *around) for one in opening.shops]
        self._faults: Counter[str] = opening.faults

    def routes(self) -> APIRouter:
        """Give the vendor's own paths."""
        router = APIRouter()

        @router.post(f"/admin/api/{VERSION}/graphql.json")
        async def graphql(request: Request) -> JSONResponse:
            shop = self._enter(request.headers.get("x-shopify-access-token", ""))
            if shop is None:
                self._faults["shopify_answered_401"] += 1
                words = "[API] Invalid API key or access token (unrecognized login or wrong password)"
                return JSONResponse({"errors": words}, 401)
            heard = not request.scope.get("unheard", False)
            return JSONResponse(self._answer(shop, await request.body(), heard=heard))

        @router.post("/admin/oauth/access_token")
        async def token(request: Request) -> JSONResponse:
            heard = not request.scope.get("unheard", False)
            status, told = self._token(_json(await request.body()), heard=heard)
            return JSONResponse(told, status)

        return router

    def _enter(self, access: str) -> ShopifyShop | None:
        return next((one for one in self.shops if one.purse.holds(access) and not one.purse.expired), None)

    def _answer(self, shop: ShopifyShop, body: bytes, *, heard: bool) -> Json:
        try:
            if shop.limited():
                shop.counts["limited"] += 1
                raise GraphqlError("Throttled", "THROTTLED")
            told = _json(body)
            variables = told.get("variables")
            document = parse(str(told.get("query") or ""))
            answerer = Answerer(document, variables if isinstance(variables, dict) else {})
            root = changes.changes(shop) if document.kind == "mutation" else self._root(shop, document, heard=heard)
            return {"data": answerer.pick(root, document.fields), "extensions": _cost(BUCKET)}
        except GraphqlError as error:
            self._faults[f"shopify_answered_{error.code or 'error'}"] += 1
            more = {"code": error.code} if error.code else {}
            left = 0.0 if error.code == "THROTTLED" else BUCKET
            return {"errors": [{"message": error.message, "extensions": more}], "extensions": _cost(left)}

    def _root(self, shop: ShopifyShop, document: Document, *, heard: bool) -> Json:
        for case in list(shop.cases()):
            shop.settle(case)
        shown = partial(_show, shop, heard=heard, whole="Whole" in document.fragments)
        return {
            "__typename": "QueryRoot",
            "order": lambda given: _one(shop, given, shown),
            "orders": lambda given: _listed(shop, given, shown),
            "ordersCount": lambda given: _counted(shop, given),
            "return": lambda given: _return(shop, given),
            "nodes": lambda given: changes.variants(shop, given),
        }

    def _token(self, told: Json, *, heard: bool) -> tuple[int, Json]:
        """Give new tokens for a refresh token that was not used yet, or to an application of the shop's own."""
        if not heard:
            raise Unheard
        for shop in self.shops:
            mine = (shop.settings.app_key, shop.settings.secret.get_secret_value())
            if mine != (told.get("client_id"), told.get("client_secret")):
                continue
            refreshing = told.get("grant_type") == "refresh_token" and told.get("refresh_token") == shop.purse.refresh
            if refreshing or told.get("grant_type") == "client_credentials":
                tokens = shop.purse.renew()
                shop.counts["tokens_renewed"] += 1
                more = {"refresh_token": tokens.refresh, "refresh_token_expires_in": KEPT_SECONDS}
                lasts = {"access_token": tokens.access, "scope": "read_orders,write_orders"}
                return 200, {**lasts, "expires_in": tokens.expires_in, **more}
        return 400, {"error": "invalid_grant", "error_description": "the refresh token is not known or was used"}


def _show(shop: ShopifyShop, order: ShopOrder, *, heard: bool, whole: bool) -> Json:
    """Show an order; one that is asked for whole counts as shown, if the caller hears it."""
    if heard and whole:
        order.show()
    return shows.whole(shows.returns_of(shop), order, shop.currency)


def _one(shop: ShopifyShop, given: Mapping[str, object], show: "partial[Json]") -> Json | None:
    order = shop.find(str(given.get("id")).removeprefix("gid://shopify/Order/"))
    if order is None:
        return None
    shop.counts["details_answered"] += 1
    return show(order)


def _listed(shop: ShopifyShop, given: Mapping[str, object], show: "partial[Json]") -> Json:
    shop.check_lists()
    shop.counts["lists_answered"] += 1
    clock = _CLOCKS.get(str(given.get("sortKey")))
    if clock is None:
        raise GraphqlError("sortKey must be UPDATED_AT or CREATED_AT", "argumentLiteralsIncompatible")
    returns = shows.returns_of(shop)
    found = sorted(_found(shop, given), key=lambda order: (clock(returns, order), order.plan.no))
    begins, ends, page = page_of(len(found), given)
    return {"__typename": "OrderConnection", "nodes": [show(order) for order in found[begins:ends]], "pageInfo": page}


_CLOCKS = {"UPDATED_AT": shows.changed_at, "CREATED_AT": shows.placed_at}


def _counted(shop: ShopifyShop, given: Mapping[str, object]) -> Json:
    return {"__typename": "Count", "count": len(_found(shop, given)), "precision": "EXACT"}


def _found(shop: ShopifyShop, given: Mapping[str, object]) -> list[ShopOrder]:
    """Give the orders that fit a search: moments of change or placing, and how far returns are."""
    text = str(given.get("query") or "")
    bounds = [(name, sign, _second(when)) for name, sign, when in _BETWEEN.findall(text)]
    wanted = {word.upper() for word in _RETURN_STATUS.findall(text)}
    if not bounds:
        raise GraphqlError("query must name updated_at or created_at", "BAD_REQUEST")
    returns = shows.returns_of(shop)
    return [
        order
        for order in shop.listed()
        if all(_fits(returns, order, *bound) for bound in bounds)
        and (not wanted or shows.return_status(returns, order) in wanted)
    ]


def _second(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise GraphqlError(f"Invalid search field for date {text}", "BAD_REQUEST") from None


def _fits(returns: shows.Returns, order: ShopOrder, name: str, sign: str, second: float) -> bool:
    clock = shows.placed_at if name == "created_at" else shows.changed_at
    at = int(clock(returns, order).timestamp())
    return at >= second if sign == ">=" else at <= second


def _return(shop: ShopifyShop, given: Mapping[str, object]) -> Json | None:
    case = shop.find_case(str(given.get("id")).rpartition("/")[2])
    return (
        shows.sale(shows.returns_of(shop), case, shop.currency) if case is not None and case.kind == "return" else None
    )


def _cost(left: float) -> Json:
    throttle = {"maximumAvailable": BUCKET, "currentlyAvailable": left, "restoreRate": RESTORED}
    return {"cost": {"requestedQueryCost": COST, "actualQueryCost": COST, "throttleStatus": throttle}}


def _json(body: bytes) -> Json:
    try:
        told = json.loads(body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _open(opening: Opening) -> ShopifyPlatform:
    return ShopifyPlatform(opening)


KIND = Kind(
    vendor="shopify",
    order_no=lambda seed, n, _drawn: f"5{seed % 1_000_000:06d}{n + 1:07d}",
    open=_open,
)
