"""How far a sender's clock is off, and what that looks like (INT-12). Owns the tolerance and the words."""

MOST_SECONDS = 600.0
"""A time that is further from now is told."""
ZONE_STEP_SECONDS = 1800.0
ZONE_SLACK_SECONDS = 300.0
"""Zones differ by half hours; a message that was some minutes on its way is still near one."""
WIDEST_ZONE_SECONDS = 14 * 3600.0


def off(seconds: float | None) -> bool:
    """Say whether a time is worth a word; seconds received minus stated, None where none is stated."""
    return seconds is not None and abs(seconds) > MOST_SECONDS


def words(seconds: float) -> str:
    """Say how far and which way a stated time is off: positive lies behind us, negative ahead of us."""
    way = "behind" if seconds > 0 else "ahead of"
    zone = ": that looks like a wrong zone" if _like_a_zone(abs(seconds)) else ""
    return f"{_span(abs(seconds))} {way} our clock{zone}"


def _span(seconds: float) -> str:
    minutes = round(seconds / 60)
    hours, rest = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = ((days, "d"), (hours, "h"), (rest, "min"))
    return " ".join(f"{count} {unit}" for count, unit in parts if count)


def _like_a_zone(seconds: float) -> bool:
    steps = round(seconds / ZONE_STEP_SECONDS)
    near = abs(seconds - steps * ZONE_STEP_SECONDS) <= ZONE_SLACK_SECONDS
    return near and 1 <= steps <= WIDEST_ZONE_SECONDS / ZONE_STEP_SECONDS
