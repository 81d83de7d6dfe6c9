"""The sales platforms there are: each file of simulator/platforms/ that says what it is. Owns only the finding."""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping

from simulator import platforms
from simulator.platform import Kind


def _found() -> Iterator[Kind]:
    for one in pkgutil.iter_modules(platforms.__path__, f"{platforms.__name__}."):
        said = getattr(importlib.import_module(one.name), "KIND", None)
        if isinstance(said, Kind):
            yield said


KINDS: Mapping[str, Kind] = {one.vendor: one for one in _found()}
