"""Passwords: drawing, judging, hashing and checking them (argon2id). Knows no user."""

import asyncio
import re
import secrets
from dataclasses import dataclass, field

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from domain.errors import BadInput

LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{1,31}", re.ASCII)
LEAST_CHARACTERS, MOST_CHARACTERS = 10, 128
AT_ONCE = 2
"""Hashes computed side by side; each takes 19 MiB and a core."""


def strong() -> PasswordHasher:
    """Give argon2id with the parameters in force: about 50 ms and 19 MiB each."""
    return PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


@dataclass
class Passwords:
    """Hashes and checks in threads, so that nobody else waits."""

    hasher: PasswordHasher = field(default_factory=strong)
    _dummy: str = field(default="", init=False)
    _gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE), init=False)

    def __post_init__(self) -> None:
        self._dummy = self.hasher.hash(secrets.token_urlsafe())

    async def hash(self, password: str) -> str:
        """Hash a password with a fresh salt."""
        async with self._gate:
            return await asyncio.to_thread(self.hasher.hash, password)

    async def matches(self, password: str, stored: str | None) -> bool:
        """Check a password; without a stored hash it takes as long and is wrong."""
        async with self._gate:
            right = await asyncio.to_thread(self._verify, password[:MOST_CHARACTERS], stored or self._dummy)
        return right and stored is not None

    def _verify(self, password: str, stored: str) -> bool:
        try:
            return self.hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False


def one_time_password() -> str:
    """Draw a password that is used once (72 bits)."""
    return secrets.token_urlsafe(9)


def check_login(login: str) -> str:
    """Give back a usable login; raise BadInput for any other."""
    if LOGIN.fullmatch(login) is None:
        raise BadInput(f"{login[:40]!r} is no login: 2 to 32 of a-z, 0-9, dot, dash and underscore, such as alice")
    return login


def weakness(password: str, login: str) -> str:
    """Say in a word why a password cannot be taken: short, long, login; empty when it can."""
    if len(password) < LEAST_CHARACTERS:
        return "short"
    if len(password) > MOST_CHARACTERS:
        return "long"
    return "login" if login in password.casefold() or len(set(password)) < LEAST_CHARACTERS // 2 else ""
