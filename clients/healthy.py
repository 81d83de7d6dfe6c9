"""The health check of a container: `python -m clients.healthy URL`; exit 0 when that is well. Standard library only."""

import sys
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

SECONDS = 4.0


def main(url: str) -> int:
    """Ask one of our own addresses; say what it lacks."""
    if urlsplit(url).scheme != "http":
        print(f"not an http address: {url}", file=sys.stderr)
        return 2
    try:
        with urlopen(url, timeout=SECONDS) as answer:  # noqa: S310  (the scheme is checked above)
            return 0 if answer.status == 200 else 1
    except (URLError, OSError) as error:
        said = error.read(300).decode(errors="replace") if hasattr(error, "read") else ""
        print(f"{error} {said}".strip(), file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
