"""The files that can be opened: shipped, of the user, uploaded; and songs."""
