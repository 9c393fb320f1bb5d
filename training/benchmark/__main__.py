"""``python -m training.benchmark``: see ``training.commands.benchmark``."""

from training.commands.benchmark import app

__all__ = ["app"]

if __name__ == "__main__":
    app()
