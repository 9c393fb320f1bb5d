"""``python -m training.ablation``: see ``training.commands.ablation``."""

from training.commands.ablation import app

__all__ = ["app"]

if __name__ == "__main__":
    app()
