"""The console's pages: one module each, with its texts in one table."""
