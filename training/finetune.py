"""``python -m training.finetune``: see ``training.commands.finetune``."""

from training.commands.finetune import app

__all__ = ["app"]

if __name__ == "__main__":
    app()
