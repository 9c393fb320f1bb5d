"""``python -m training.results``: see ``training.cards.results``."""

from training.cards.results import app

__all__ = ["app"]

if __name__ == "__main__":
    app()
