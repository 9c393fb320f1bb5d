"""``python -m training.hearing``: see ``training.commands.music_use``."""

from training.commands.music_use import app

__all__ = ["app"]

if __name__ == "__main__":
    app()
