"""The command line: ``mmm recover``, ``mmm generate`` and others, one file a command."""
