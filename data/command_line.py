"""How the commands of ``python -m data`` end: one line for what a user can act on."""

from collections.abc import Callable
from functools import wraps

import typer

from mmm.errors import MMMError


def guarded(command: Callable[..., None]) -> Callable[..., None]:
    """The command with exit status 2 and one line for wrong input, 130 after Ctrl-C."""

    # Typer reads the options from the signature, which ``wraps`` keeps.
    @wraps(command)
    def run(*arguments: object, **options: object) -> None:
        try:
            command(*arguments, **options)
        except MMMError as error:
            typer.echo(f"error: {error}", err=True)
            # Status 2 as for a wrong option: scripts tell it from a crash (1).
            raise typer.Exit(2) from None
        except KeyboardInterrupt:
            typer.echo("stopped; the same command continues from here", err=True)
            # 128 plus the number of SIGINT, as shells report it.
            raise typer.Exit(130) from None

    return run
