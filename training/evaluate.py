"""``python -m training.evaluate``: see ``training.commands.evaluate``."""

from training.commands.evaluate import app

__all__ = ["app"]

if __name__ == "__main__":
    app()
