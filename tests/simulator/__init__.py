"""The simulator, checked by code of its own: signatures here are computed from the vendors' pages."""
