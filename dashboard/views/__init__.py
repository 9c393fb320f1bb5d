"""The pages beside the workbench: library, leaderboard, how it works."""
