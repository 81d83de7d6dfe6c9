"""Assembles. wiring.py is the only file where a port meets a vendor; main.py runs the task queues and the two loops."""
