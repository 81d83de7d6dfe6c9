"""Measures. `make bench` prints figures and writes build/bench.json."""
