"""``python -m training.pretrain``: see ``training.commands.pretrain``."""

from training.commands.pretrain import app

__all__ = ["app"]

if __name__ == "__main__":
    app()
