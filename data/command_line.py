"""Error messages and exit statuses of the commands of ``python -m data``."""

from collections.abc import Callable
from functools import wraps

import typer

from mmm.errors import MMMError


def guarded(command: Callable[..., None]) -> Callable[..., None]:
    """Wrap a command: wrong input ends it with one line and status 2, Ctrl-C with 130."""

    # Typer reads the options from the signature, which ``wraps`` keeps.
    @wraps(command)
    def run(*arguments: object, **options: object) -> None:
        try:
            command(*arguments, **options)
        except MMMError as error:
            typer.echo(f"error: {error}", err=True)
            # Status 2, as for a wrong option, so that scripts can distinguish it from a crash (1).
            raise typer.Exit(2) from None
        except KeyboardInterrupt:
            typer.echo("stopped; the same command continues from here", err=True)
            # 128 plus the number of SIGINT, as shells report it.
            raise typer.Exit(130) from None

    return run
