"""A day of a promotion before it comes (OPS-4): when orders arrive over zones with peaks of their own. Pure numbers."""

from collections.abc import Container, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from domain.errors import BadInput

HOURS = 24
QUIET, USUAL, BUSY, PEAK = 0.2, 1.0, 1.6, 3.5
"""Weights of an hour beside a usual one: the night, the day, noon and evening, the hour of the peak."""


@dataclass(frozen=True, slots=True)
class Zone:
    """Buyers of one time zone: their share of all, and the local hour in which most of them order."""

    name: str
    share: float
    peak_hour: int = 20


def read_zones(words: str, peak_hour: int) -> list[Zone]:
    """Read `Asia/Shanghai=7,Europe/London=2`: zones and their parts; BadInput names what is wrong."""
    zones: list[Zone] = []
    for part in filter(None, (one.strip() for one in words.split(","))):
        name, _, number = part.partition("=")
        try:
            ZoneInfo(name)
            share = float(number or 1)
        except (ZoneInfoNotFoundError, ValueError):
            raise BadInput(f"{part!r} is not ZONE=PART such as Asia/Shanghai=7") from None
        if not 0 < share < float("inf"):
            raise BadInput(f"{part!r}: the part has to be more than 0")
        zones.append(Zone(name, share, peak_hour))
    if not zones:
        raise BadInput("name at least one zone, such as Asia/Shanghai=1")
    return zones


def weight(local_hour: int, peak_hour: int) -> float:
    """Say how much is ordered in a local hour beside a usual one."""
    if local_hour == peak_hour:
        return PEAK
    if local_hour in (12, 13, (peak_hour - 1) % HOURS, (peak_hour + 1) % HOURS):
        return BUSY
    return QUIET if local_hour < 7 else USUAL


def curve(zones: list[Zone], begins: datetime) -> tuple[float, ...]:
    """Give the weight of each of the 24 hours from a moment on, all zones together; the mean is 1."""
    whole = sum(zone.share for zone in zones)
    hours = [begins + timedelta(hours=n) for n in range(HOURS)]
    weights = [
        sum(zone.share / whole * weight(hour.astimezone(ZoneInfo(zone.name)).hour, zone.peak_hour) for zone in zones)
        for hour in hours
    ]
    mean = sum(weights) / HOURS
    return tuple(one / mean for one in weights)


def lag_percentile(samples: list[float], share: float) -> float:
    """Give the value that so many of the samples do not exceed; 0 without samples."""
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


@dataclass(frozen=True, slots=True)
class Promotion:
    """A day on which much will be sold."""

    name: str
    begins: datetime


def due(promotions: Iterable[Promotion], rehearsed: Container[str], now: datetime, ahead_days: int) -> list[Promotion]:
    """Name the promotions that are near and were not rehearsed."""
    near = timedelta(days=ahead_days)
    return [one for one in promotions if now < one.begins <= now + near and one.name not in rehearsed]
