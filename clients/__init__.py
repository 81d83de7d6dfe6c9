"""Asks. Web pages, webhooks and the CLI: they store messages, signal workflows and read models; they decide nothing."""
