"""The outside world as a program: a shop with buyers, a warehouse, a courier.

Owns the pretending: who acts when, what the vendors answer, and the books of what truly happened. It shares
no code with the system it tests and decides nothing for it. See docs/simulator.md.
"""
