"""What a channel's raw status code means (跨平台订单状态映射表, INT-13). Owns the look-up; the map is a setting."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from domain.observations import ChannelStatus, OrderHinted, OrderObserved

Told = TypeVar("Told", OrderObserved, OrderHinted, OrderObserved | OrderHinted)


@dataclass(frozen=True, slots=True)
class StatusMeaning:
    """The meaning of one raw code. `may_ship` False: paid, but the channel forbids shipping for now.

    `partial`: some of its child orders have shipped; the rest may still be shipped.
    """

    status: ChannelStatus
    may_ship: bool = True
    partial: bool = False


@dataclass(frozen=True, slots=True)
class StatusMap:
    """The map in force: per channel, from raw code to meaning."""

    version: int
    channels: Mapping[str, Mapping[str, StatusMeaning]] = field(default_factory=dict)

    def meaning(self, channel: str, raw: str) -> StatusMeaning | None:
        """Look one code up; None when nobody has said what it means."""
        return self.channels.get(channel, {}).get(raw)

    def resolve(self, seen: Told) -> Told:
        """Give an observation its canonical status; one whose code is unknown stays UNMAPPED."""
        meaning = self.meaning(seen.channel, seen.raw_status)
        if seen.status is not ChannelStatus.UNMAPPED or meaning is None:
            return seen
        if isinstance(seen, OrderObserved):
            return replace(seen, status=meaning.status, may_ship=meaning.may_ship)
        return replace(seen, status=meaning.status)
