"""Speaks to strangers. One file per vendor: calls, webhook parsing, signatures, error translation.

No facts, no waits.
"""
