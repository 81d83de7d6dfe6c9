"""The simulator's addresses: the vendors' own paths and /sim/. Owns routing; actors give the answers."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse, Response

from simulator import kdniao
from simulator.books import write_books, write_bundles, write_catalogue, write_progress, write_supplies
from simulator.clock import now
from simulator.faults import FaultyVendors
from simulator.listings import StockOutage
from simulator.market import ListsDead, Unheard
from simulator.messages_routes import message_routes
from simulator.nuonuo import nuonuo_routes
from simulator.own_shop import BadMessage, BadSignature
from simulator.own_tickets import Complaint
from simulator.returns_routes import returns_routes
from simulator.settings import Outage
from simulator.stripe import Asked
from simulator.world import World


def create_app(world: World) -> FastAPI:
    """Serve one world; its actors end with the app."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        for server in (world.mail, world.mailbox):
            if server is not None:
                await server.start()
        yield
        await world.stop()

    app = FastAPI(title="Steadfast simulator", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(FaultyVendors, faults=world.faults)
    app.include_router(_vendors(world))
    app.include_router(_own_shop(world))
    app.include_router(_own_roll(world))
    app.include_router(_own_stock(world))
    app.include_router(_promises(world))
    app.include_router(_own_cases(world))
    app.include_router(_marketplaces(world))
    for vendor, platform in world.platforms.items():
        app.include_router(platform.routes(), prefix=f"/{vendor}")
    app.add_exception_handler(ListsDead, _unavailable)
    app.add_exception_handler(Unheard, _unavailable)
    app.include_router(_payments(world))
    if world.messages is not None:
        app.include_router(message_routes(world.messages, world.mailbox))
    if world.nuonuo is not None:
        app.include_router(nuonuo_routes(world.nuonuo))
    app.include_router(returns_routes(world.inwards.returns))
    app.include_router(_control(world))
    return app


async def _unavailable(_: Request, _error: Exception) -> Response:
    return Response("service unavailable", 503)


def _vendors(world: World) -> APIRouter:
    router = APIRouter()

    @router.post("/router/qimen/service")
    async def qimen(request: Request) -> Response:
        answer = world.qimen.answer(dict(request.query_params), await request.body())
        return Response(answer, media_type="text/xml;charset=utf-8")

    @router.post("/Ebusiness/EbusinessOrderHandle.aspx")
    async def kdniao_query(request: Request) -> Response:
        answer = world.courier.answer(await request.body(), kdniao.QUERIES)
        return Response(answer, media_type="application/json")

    @router.post("/api/dist")
    async def kdniao_dist(request: Request) -> Response:
        # The vendor's current client sends the paid query here too.
        answer = world.courier.answer(await request.body(), kdniao.SUBSCRIPTIONS | {"8001"})
        return Response(answer, media_type="application/json")

    return router


def _own_shop(world: World) -> APIRouter:
    router = APIRouter()

    @router.post("/own/{shop}/shipments")
    async def shipments(shop: str, request: Request) -> JSONResponse:
        if shop != world.config.own.shop:
            return _no(world, 404, "this shop is not known")
        try:
            fresh = world.own.receive(request.headers, await request.body(), world.tally)
        except BadSignature as error:
            return _no(world, 401, str(error))
        except BadMessage as error:
            return _no(world, 422, str(error))
        return JSONResponse({"accepted": True, "duplicate": not fresh})

    @router.get("/own/{shop}/orders/{no}")
    async def order(shop: str, no: str, request: Request) -> Response:
        if shop != world.config.own.shop:
            return _no(world, 404, "this shop is not known")
        try:
            body = world.own.read(request.headers, no)
        except BadSignature as error:
            return _no(world, 401, str(error))
        if body is None:
            return _no(world, 404, "this shop has no such order")
        world.tally.faults["shop_orders_read"] += 1
        return Response(body, media_type="application/json")

    return router


def _own_roll(world: World) -> APIRouter:
    router = APIRouter()

    @router.get("/own/{shop}/orders")
    async def roll(shop: str, request: Request) -> Response:
        if shop != world.config.own.shop:
            return _no(world, 404, "this shop is not known")
        try:
            body = world.own.show_roll(request.headers, request.query_params)
        except (BadSignature, BadMessage) as error:
            return _no(world, 401 if isinstance(error, BadSignature) else 422, str(error))
        return Response(body, media_type="application/json")

    return router


def _own_stock(world: World) -> APIRouter:
    router = APIRouter()

    @router.post("/own/{shop}/stock")
    async def stock(shop: str, request: Request) -> Response:
        if shop != world.config.own.shop:
            return _no(world, 404, "this shop is not known")
        shelf = world.listings.shelf(("own", shop))
        if trouble := shelf.trouble():
            headers = {"Retry-After": "1"} if trouble == "limit" else {}
            return Response("try again later", 429 if trouble == "limit" else 503, headers)
        try:
            refused = world.own.receive_stock(request.headers, await request.body(), shelf)
        except BadSignature as error:
            return _no(world, 401, str(error))
        except BadMessage as error:
            return _no(world, 422, str(error))
        return JSONResponse({"accepted": True, "refused": refused})

    return router


def _promises(world: World) -> APIRouter:
    router = APIRouter()

    @router.post("/own/{shop}/promises")
    async def promises(shop: str, request: Request) -> JSONResponse:
        try:
            world.own.hear_promise(request.headers, await request.body())
        except (BadSignature, BadMessage) as error:
            return _no(world, 401 if isinstance(error, BadSignature) else 422, str(error))
        return JSONResponse({"accepted": True})

    return router


def _own_cases(world: World) -> APIRouter:
    router = APIRouter()

    @router.get("/own/{shop}/cases")
    @router.get("/own/{shop}/cases/{no}")
    async def cases(shop: str, request: Request, no: str = "") -> Response:
        try:
            body = world.own.show_cases(request.headers, no, request.query_params)
        except (BadSignature, BadMessage) as error:
            return _no(world, 401 if isinstance(error, BadSignature) else 404, str(error))
        return Response(body, media_type="application/json")

    @router.post("/own/{shop}/cases/{no}")
    async def answer(shop: str, no: str, request: Request) -> JSONResponse:
        try:
            world.own.take_answer(request.headers, no, await request.body())
        except (BadSignature, BadMessage) as error:
            return _no(world, 401 if isinstance(error, BadSignature) else 422, str(error))
        return JSONResponse({"accepted": True})

    return router


def _no(world: World, status: int, error: str) -> JSONResponse:
    world.tally.faults[f"shop_answered_{status}"] += 1
    return JSONResponse({"accepted": False, "error": error}, status_code=status)


def _marketplaces(world: World) -> APIRouter:
    router = APIRouter()

    @router.post("/router/rest")
    async def taobao(request: Request) -> Response:
        heard = not request.scope.get("unheard", False)
        answer = world.taobao.answer(await request.body(), heard=heard)
        return Response(answer, media_type="application/json;charset=utf-8")

    @router.post("/order/{method}")
    @router.post("/token/{method}")
    @router.post("/sku/{method}")
    @router.post("/afterSale/{method}")
    async def douyin(request: Request) -> Response:
        heard = not request.scope.get("unheard", False)
        query = dict(request.query_params)
        answer = world.douyin.answer(request.url.path, query, await request.body(), heard=heard)
        return Response(answer, media_type="application/json;charset=utf-8")

    return router


def _payments(world: World) -> APIRouter:
    router = APIRouter()

    @router.api_route("/v3/{path:path}", methods=["GET", "POST"])
    async def wechatpay(request: Request) -> Response:
        if world.pay is None:
            return Response("no payment provider in this world", 404)
        query = request.scope["query_string"].decode()
        target = request.scope["raw_path"].decode().partition("?")[0] + (f"?{query}" if query else "")
        status, told = world.pay.answer(request.method, target, request.headers, await request.body())
        body = json.dumps(told, ensure_ascii=False).encode()
        return Response(body, status, world.pay.signed(body))

    @router.post("/gateway.do")
    async def alipay(request: Request) -> Response:
        if world.alipay is None:
            return Response("no such payment provider in this world", 404)
        return Response(world.alipay.answer(await request.body()), media_type="text/html;charset=utf-8")

    @router.api_route("/v1/{path:path}", methods=["GET", "POST"])
    async def stripe(path: str, request: Request) -> Response:
        if world.stripe is None:
            return Response("no such payment provider in this world", 404)
        asked = Asked(request.method, path, dict(request.query_params), request.headers, await request.body())
        status, told = world.stripe.answer(asked)
        return JSONResponse(told, status)

    return router


def _control(world: World) -> APIRouter:
    router = APIRouter(prefix="/sim")

    router.include_router(_told(world))

    @router.post("/start")
    async def start() -> dict[str, Any]:
        world.start()
        return {"ok": True, "planned": len(world.plan.orders)}

    @router.post("/stop-new")
    async def stop_new() -> dict[str, Any]:
        world.stop_new()
        return {"ok": True}

    @router.post("/complain")
    async def complain(told: Complaint) -> dict[str, Any]:
        world.own.complain(told)
        return {"ok": True}

    @router.post("/stock-outage")
    async def stock_outage(wanted: StockOutage) -> dict[str, Any]:
        world.listings.begin(wanted)
        return {"ok": True}

    @router.post("/outage")
    async def outage(wanted: Outage) -> dict[str, Any]:
        world.faults.begin(wanted)
        return {"ok": True}

    return router


def _told(world: World) -> APIRouter:
    """What the world tells of itself."""
    router = APIRouter()

    @router.get("/health")
    async def health() -> dict[str, Any]:
        return {"ok": True, "seed": world.config.seed, "now": now().isoformat()}

    @router.get("/catalogue")
    async def catalogue() -> list[dict[str, Any]]:
        return write_catalogue(world)

    @router.get("/bundles")
    async def bundles() -> list[dict[str, Any]]:
        return write_bundles(world)

    @router.get("/supplies")
    async def supplies() -> list[dict[str, Any]]:
        return write_supplies(world)

    @router.get("/books")
    async def books() -> dict[str, Any]:
        return write_books(world)

    @router.get("/progress")
    async def progress() -> dict[str, Any]:
        return write_progress(world)

    @router.get("/listings")
    async def listings() -> list[Any]:
        return list(world.listings.written())

    return router
