"""``python -m training.pack``: see ``training.commands.quantise``."""

from training.commands.quantise import app

__all__ = ["app"]

if __name__ == "__main__":
    app()
