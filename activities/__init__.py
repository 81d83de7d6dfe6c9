"""Does one thing, twice without harm. Classes that hold ports; no SQL, no HTTP, no waiting for people."""
