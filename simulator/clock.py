"""The simulator's own clock: vendors write China time without an offset, the own shop ISO 8601 with one."""

from datetime import datetime, timedelta, timezone

CHINA = timezone(timedelta(hours=8))
STAMP = "%Y-%m-%d %H:%M:%S"


def now() -> datetime:
    """Tell the moment in China time."""
    return datetime.now(CHINA)


def stamp(moment: datetime) -> str:
    """Write a moment as Chinese vendors do, to the second."""
    return moment.astimezone(CHINA).strftime(STAMP)


def parse_stamp(text: str) -> datetime:
    """Read a vendor's stamp as China time; raises ValueError."""
    return datetime.strptime(text, STAMP).replace(tzinfo=CHINA)


def iso(moment: datetime) -> str:
    """Write a moment with its offset, to the millisecond."""
    return moment.astimezone(CHINA).isoformat(timespec="milliseconds")
