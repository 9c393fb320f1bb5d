"""Measuring networks and baselines over many clips; the leaderboard; facts of motion files."""
