"""Read models: what screens and the CLI show. Plain selects over the facts; nothing here changes anything."""
