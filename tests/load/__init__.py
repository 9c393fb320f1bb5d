"""Load on a real server, as browsers make it: ``python -m tests.load --people 1,4,16,32``."""
