"""Checks the rest. Mirrors the rooms; journeys/, replay/ and benchmarks/ go through all of them."""
