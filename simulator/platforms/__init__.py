"""The sales platforms, one file each (a few when it grows). Each says what it is as `KIND` (simulator/platform.py)."""
