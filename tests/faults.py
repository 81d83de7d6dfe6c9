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

    def strikes(self, method: str, when: When, about: str) -> bool:
        """Say whether the fault strikes here and now, in a call that is about this, and count it."""
        if (method, when) != (self.method, self.when) or self.struck >= self.times:
            return False
        self.struck += 1
        return True


@dataclass
class FaultOfEach(Faults):
    """A fault for each of several orders or cases in one house: a call is of the one whose number stands in it."""

    of: dict[str, Faults] = field(default_factory=dict)

    def strikes(self, method: str, when: When, about: str) -> bool:
        """Say whether the fault of the one that this call is about strikes now, and count it there."""
        return any(fault.strikes(method, when, about) for no, fault in self.of.items() if no in about)

    def assert_struck(self) -> None:
        """Assert that no fault was planted in vain."""
        missed = {no: (fault.method, fault.struck) for no, fault in self.of.items() if fault.struck != fault.times}
        assert not missed, f"planted faults that never struck, or too seldom: {missed}"


class _Faulty:
    def __init__(self, port: object, faults: Faults) -> None:
        self._port = port
        self._faults = faults

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        inner = getattr(self._port, name)

        async def call(*arguments: Any, **named: Any) -> Any:
            about = " ".join(map(str, arguments))
            if self._faults.strikes(name, When.BEFORE, about):
                raise Unavailable(f"planted before {name}")
            self._faults.calls[name] += 1
            result = await inner(*arguments, **named)
            if self._faults.strikes(name, When.TWICE, about):
                self._faults.calls[name] += 1
                result = await inner(*arguments, **named)
            if self._faults.strikes(name, When.AFTER, about):
                raise Unavailable(f"planted after {name}")
            return result

        return call


def faulty(port: T, faults: Faults) -> T:
    """Wrap a port; the wrapper has the port's type."""
    return cast(T, _Faulty(port, faults))
