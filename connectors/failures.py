"""What a failure means where a platform's codes are not public: its words tell, and the codes that a shop has met.

Owns `limit_codes` and `token_codes` of a shop row, and what of the platform's words may be shown. Knows no format.
"""

from dataclasses import dataclass

from connectors import fields
from domain.errors import Broken, OmsError, RateLimited, Refused, TokenRejected, Unavailable
from domain.shops import Shop

LIMIT_CODES, TOKEN_CODES = "limit_codes", "token_codes"
NO_REASON = "no reason given"


@dataclass(frozen=True, slots=True)
class Signs:
    """Which words of a platform, in lower case, tell "too often", a dead token (beside "token") and a pause."""

    often: tuple[str, ...]
    dead: tuple[str, ...]
    pause: tuple[str, ...] = ()

    def meant(self, shop: Shop, code: str, text: str) -> type[OmsError] | None:
        """Say what a failure means; None where neither its code nor its words tell."""
        lower = text.lower()
        if code in _met(shop, LIMIT_CODES) or any(one in lower for one in self.often):
            return RateLimited
        if code in _met(shop, TOKEN_CODES) or ("token" in lower and any(one in lower for one in self.dead)):
            return TokenRejected
        return Unavailable if any(one in lower for one in self.pause) else None


@dataclass(frozen=True, slots=True)
class Failure:
    """One failure as a platform tells it; `ref` says what was asked."""

    ref: str
    code: str
    text: str

    def error(self, shop: Shop, signs: Signs, other: type[Broken] | type[Refused] = Broken) -> OmsError:
        """Give the error that it stands for; `other` where nobody knows."""
        words, code = shown(shop, self.text) or NO_REASON, shown(shop, self.code)
        kind = signs.meant(shop, self.code, self.text) or other
        if kind is Refused:
            return Refused(code, f"{words} ({self.ref})")
        return kind(f"{shop.vendor} about {self.ref}: {code}: {words}")


def shown(shop: Shop, text: str) -> str:
    """Cut their words to size; what we sent and must not read back is hidden."""
    token = shop.token
    ours = (*shop.secrets, *shop.sealed.values())
    return fields.vendor_text(text, (*ours, *((token.access, token.refresh) if token else ())))


def _met(shop: Shop, name: str) -> set[str]:
    return {one.strip() for one in shop.params.get(name, "").split(",") if one.strip()}
