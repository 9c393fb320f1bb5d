"""Networks and baselines on many clips: errors, the leaderboard, the library."""
