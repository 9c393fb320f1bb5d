"""The motion files and songs that can be opened: samples, the user's folders and uploads."""
