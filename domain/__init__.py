"""Decides. Values in, values out: no await, no clock, no I/O. Owns the business rules and the words for them."""
