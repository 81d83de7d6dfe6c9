"""Webhooks in: verify, parse, store, answer. Owns the HTTP side of intake; never starts or waits for a workflow."""
