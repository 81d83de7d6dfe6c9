"""Our own style sheet, script and icon: addressed by their content, so that browsers may keep them for ever."""

import hashlib
from functools import cache
from pathlib import Path

from fastapi import FastAPI
from starlette.responses import FileResponse, PlainTextResponse, Response

FOLDER = Path(__file__).with_name("static")
NAMES = ("console.css", "console.js", "icon.svg", "pda.css", "pda.js")
FOR_EVER = "public, max-age=31536000, immutable"


@cache
def _version() -> str:
    return hashlib.sha256(b"".join((FOLDER / name).read_bytes() for name in NAMES)).hexdigest()[:12]


def address(name: str) -> str:
    """Give the address of a file of this version."""
    return f"/assets/{_version()}/{name}"


def add_routes(app: FastAPI) -> None:
    """Serve the files."""

    async def asset(version: str, name: str) -> Response:
        if name not in NAMES:
            return PlainTextResponse("没有这个文件。\n", 404)
        fresh = FOR_EVER if version == _version() else "no-cache"
        return FileResponse(FOLDER / name, headers={"Cache-Control": fresh})

    app.add_api_route("/assets/{version}/{name}", asset, methods=["GET"], response_model=None)
