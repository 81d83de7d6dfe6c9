"""The addresses of the services that carry messages, on their real paths; their books at /books/messages."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import JSONResponse, Response

from simulator.mailbox import Mailbox
from simulator.messages import Lost, MessageServices


def message_routes(services: MessageServices, mailbox: Mailbox | None) -> APIRouter:
    """Serve the robots and Aliyun; mail has a port of its own."""
    router = APIRouter()

    @router.post("/cgi-bin/webhook/send")
    async def wecom(request: Request) -> Response:
        body = await request.body()
        return _answered(lambda: (200, services.wecom(request.query_params, body)))

    @router.post("/robot/send")
    async def dingtalk(request: Request) -> Response:
        body = await request.body()
        return _answered(lambda: (200, services.dingtalk(request.query_params, body)))

    @router.post("/open-apis/bot/v2/hook/{token}")
    async def feishu(token: str, request: Request) -> Response:
        body = await request.body()
        return _answered(lambda: (200, services.feishu(token, body)))

    @router.post("/")
    async def aliyun(request: Request) -> Response:
        body = await request.body()
        return _answered(lambda: services.aliyun(dict(request.query_params), request.headers, body))

    @router.post("/mailbox")
    async def letter(request: Request) -> dict[str, int]:
        """Let a letter arrive, as it is."""
        if mailbox is None:
            raise HTTPException(404, "this world has no mailbox: messages.imap_port")
        return {"uid": mailbox.write(await request.body())}

    @router.get("/books/messages")
    async def books() -> dict[str, Any]:
        return services.written()

    return router


def _answered(work: Callable[[], tuple[int, dict[str, Any]]]) -> Response:
    try:
        status, told = work()
    except Lost:
        return Response("service unavailable", 503)
    return JSONResponse(told, status)
