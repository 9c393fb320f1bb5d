"""``python -m training NAME ...``: the trainer's command line."""

from training.commands.app import app

if __name__ == "__main__":
    app(prog_name="python -m training")
