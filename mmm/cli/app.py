"""The command ``mmm``, also ``python -m mmm``: all subcommands, their help, and exit statuses.

Exit status 0 is success, 2 a bad input (one line on stderr), 130 an interruption. Outputs are
written to a temporary file beside the target, which is renamed when complete. Networks, and torch
with them, are imported only by the commands that run one.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

from mmm.cli.attention import attention
from mmm.cli.attribute import attribute
from mmm.cli.convert import convert
from mmm.cli.evaluate import evaluate
from mmm.cli.generate import generate
from mmm.cli.info import info
from mmm.cli.intervene import intervene
from mmm.cli.leaderboard import leaderboard
from mmm.cli.options import spread_lists, with_groups
from mmm.cli.recover import recover
from mmm.cli.serve import serve
from mmm.errors import MMMError

GROUPS = {
    "Recover and generate": (recover, generate),
    "Explain": (attention, intervene, attribute),
    "Measure": (evaluate, leaderboard),
    "Files": (convert, info),
    "Serve": (serve,),
}
"""All commands, as ``--help`` groups them."""

LIST_OPTIONS = ("--clips", "--hide")
"""Options of ``evaluate`` and ``leaderboard`` that take several values."""


class _GroupedCommands(TyperGroup):
    """Lists the commands under the titles of ``GROUPS``."""

    # click lists commands alphabetically in one block. Users look for a task, not for a letter.
    def format_commands(self, ctx: Any, formatter: Any) -> None:
        for title, commands in GROUPS.items():
            rows = [
                (command.__name__, self.commands[command.__name__].get_short_help_str(200))
                for command in commands
            ]
            with formatter.section(title):
                formatter.write_dl(rows)


app = typer.Typer(
    cls=_GroupedCommands,
    # Completion would write into the user's shell configuration.
    add_completion=False,
    # Users get one line instead of a traceback.
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def _about() -> None:
    """Recover hidden frames of human motion, or continue it, with or without music."""


# Commands are registered here and not by decorators, so that tests and docs can call them as plain
# functions.
for _commands in GROUPS.values():
    for _command in _commands:
        app.command()(with_groups(_command))


# The base class of usage errors. It is found through typer, some versions of which vendor click.
_UsageError: type[Exception] = next(
    c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: as on the command line, without the program's name; ``sys.argv`` if None.

    Returns:
        The exit status.
    """
    # Without a command, click would print a usage error; the help is more useful.
    words = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    if words[0] in ("evaluate", "leaderboard"):
        words = spread_lists(words, LIST_OPTIONS)
    try:
        # Standalone mode would print errors in click's format and exit the process.
        status = app(words, prog_name=_program(), standalone_mode=False)
    except MMMError as error:
        return _fail(str(error))
    except _UsageError as error:
        # ``format_message`` belongs to ClickException, which typer does not export.
        return _fail(" ".join(str(getattr(error, "format_message")()).split()))  # noqa: B009
    # 130 is what shells report for an interrupted program.
    except (typer.Abort, KeyboardInterrupt):
        return 130
    return status if isinstance(status, int) else 0


def _program() -> str:
    """The program's name as the user typed it: the installed command, or the module."""
    return "mmm" if Path(sys.argv[0]).stem == "mmm" else "python -m mmm"


def _fail(message: str) -> int:
    typer.echo(f"error: {message}", err=True)
    return 2
