"""Fault points: a wrapper around any port that fails before or after a call, or makes the call twice."""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar, cast

from domain.errors import Unavailable

T = TypeVar("T")


class When(StrEnum):
    """Where in a call the fault strikes."""

    BEFORE = "before"
    AFTER = "after"
    TWICE = "twice"


@dataclass
class Faults:
    """Which call goes wrong and how often; counts every call that was made."""

    method: str = ""
    when: When = When.BEFORE
    times: int = 1
    calls: Counter[str] = field(default_factory=Counter)
    struck: int = 0

    def strikes(self, method: str, when: When) -> bool:
        """Say whether the fault strikes here and now, and count it."""
        if (method, when) != (self.method, self.when) or self.struck >= self.times:
            return False
        self.struck += 1
        return True


class _Faulty:
    def __init__(self, port: object, faults: Faults) -> None:
        self._port = port
        self._faults = faults

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        inner = getattr(self._port, name)

        async def call(*arguments: Any, **named: Any) -> Any:
            if self._faults.strikes(name, When.BEFORE):
                raise Unavailable(f"planted before {name}")
            self._faults.calls[name] += 1
            result = await inner(*arguments, **named)
            if self._faults.strikes(name, When.TWICE):
                self._faults.calls[name] += 1
                result = await inner(*arguments, **named)
            if self._faults.strikes(name, When.AFTER):
                raise Unavailable(f"planted after {name}")
            return result

        return call


def faulty(port: T, faults: Faults) -> T:
    """Wrap a port; the wrapper has the port's type."""
    return cast(T, _Faulty(port, faults))
