"""The library of movement that generation retrieves from."""
