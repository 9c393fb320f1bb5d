"""A seeded mutation fuzzer for everything that reads what others wrote.

``python -m tests.fuzz --reader bvh --count 1000000`` runs any number of inputs;
``tests/fuzz/test_fuzz.py`` runs a few thousand of each reader. An input is made from the reader's
name, the seed and its number alone, so that every find can be made again. Finds are kept as files
in ``tests/fuzz/finds``, called ``READER-...``, and are tried with every run of the tests.
"""
