"""``python -m training.calibrate``: see ``training.commands.calibrate``."""

from training.commands.calibrate import app

__all__ = ["app"]

if __name__ == "__main__":
    app()
