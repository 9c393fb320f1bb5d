"""``python -m training.speed``: see ``training.commands.speed``."""

from training.commands.speed import app

__all__ = ["app"]

if __name__ == "__main__":
    app()
