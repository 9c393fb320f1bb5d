"""The cards of checkpoints, and the tables of results made from them."""
