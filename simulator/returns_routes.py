"""Addresses under /sim/returns: what was announced, and parcels that arrive now."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from simulator.qimen import Refused
from simulator.qimen_returns import Expected
from simulator.returns import Returns
from simulator.settings import Fate


class Parcel(BaseModel):
    """A parcel that arrives now: of an announced return, or with a SKU of nobody's."""

    model_config = ConfigDict(extra="forbid")

    code: str = ""
    fate: Fate = "good"
    sku: str = ""
    units: int = Field(default=1, ge=1)
    waybill: str = ""


def returns_routes(returns: Returns) -> APIRouter:
    """Serve them."""
    router = APIRouter(prefix="/sim/returns")

    @router.get("")
    async def announced() -> list[dict[str, Any]]:
        return [written(one) for one in (*returns.expected.values(), *returns.strays)]

    @router.post("")
    async def arrive(parcel: Parcel) -> JSONResponse:
        if bool(parcel.code) is bool(parcel.sku):
            return JSONResponse({"ok": False, "error": "name a code or a sku"}, 422)
        try:
            if parcel.code:
                back = returns.send(parcel.code, parcel.fate, parcel.waybill)
            else:
                back = returns.stray(parcel.sku, parcel.units, parcel.waybill)
        except Refused as refused:
            return JSONResponse({"ok": False, "error": refused.message}, 404)
        return JSONResponse({"ok": True, **written(back)})

    return router


def written(back: Expected) -> dict[str, Any]:
    """Write one return as the books and the addresses show it."""
    units = [{"sku": sku, "condition": condition, "units": n} for (sku, condition), n in sorted(back.received.items())]
    return {
        "code": back.code,
        "id": back.id,
        "fate": back.fate,
        "status": back.status,
        "creates": back.creates,
        "confirms": back.confirms,
        "waybill": back.waybill,
        "received": units,
    }
