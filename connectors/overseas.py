"""What platforms abroad have in common: amounts as decimal texts in major units, and carriers in their own words.

Knows no vendor's format. The number of decimals of a currency is ISO 4217's.
"""

import re
from collections.abc import Mapping
from decimal import Decimal

from connectors import fields
from domain.errors import Broken
from domain.shops import Shop

CARRIERS = "carriers"
CARRIERS_HELP = "our carriers in the platform's words, such as SF=SF Express,DHL=DHL Express; others go as they are"

_NONE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_THREE = "BHD IQD JOD KWD LYD OMR TND"
_DECIMALS: Mapping[str, int] = {**dict.fromkeys(_NONE.split(), 0), **dict.fromkeys(_THREE.split(), 3)}
_AMOUNT = re.compile(r"-?\d{1,12}(?:\.\d{1,6})?", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)


def minor(text: str, currency: str) -> int:
    """Read an amount such as `12.30` in minor units; ValueError when it is none, too fine, or absurd."""
    if not _CURRENCY.fullmatch(currency):
        raise ValueError("its currency is not three capital letters")
    if not _AMOUNT.fullmatch(text):
        raise ValueError("not an amount in major units, such as 12.30")
    units = Decimal(text).scaleb(_DECIMALS.get(currency, 2))
    if units != units.to_integral_value():
        raise ValueError(f"has parts of the smallest unit of {currency}")
    if abs(units) > fields.MAX_AMOUNT_MINOR:
        raise ValueError(f"more than {fields.MAX_AMOUNT_MINOR} minor units")
    return int(units)


def major(amount_minor: int, currency: str) -> str:
    """Write minor units as a decimal text in major units."""
    return f"{Decimal(amount_minor).scaleb(-_DECIMALS.get(currency, 2)):f}"


def carriers(shop: Shop) -> dict[str, str]:
    """Read `SF=SF Express,DHL=DHL Express`: our carriers in the platform's words; Broken names the param."""
    pairs = [pair.strip().partition("=") for pair in shop.params.get(CARRIERS, "").split(",") if pair.strip()]
    if any(not ours or not theirs for ours, _, theirs in pairs):
        raise Broken(f"shop {shop.code} ({shop.vendor}): {CARRIERS} is not like SF=SF Express,DHL=DHL Express: mend it")
    return {ours.strip(): theirs.strip() for ours, _, theirs in pairs}
