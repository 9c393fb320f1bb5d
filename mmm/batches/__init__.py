"""Many files by one function, in this process or on Ray; what is done already is not done again."""
