"""Runs ``python -m training`` in this process."""

from typer.testing import CliRunner

from training.commands.app import app


def run_training(*arguments):
    """The result of the command line with these arguments."""
    return CliRunner().invoke(app, [str(word) for word in arguments])
