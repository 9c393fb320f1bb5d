"""The stage: bodies in motion as payload, JavaScript and measures; on the page, in a notebook, in a file."""
