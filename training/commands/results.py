"""``python -m training results`` and ``cards``: pages that are written from checkpoints'
metrics."""

from pathlib import Path
from typing import Annotated

import typer

from mmm.errors import FileError
from training.cards.card import write_card
from training.cards.results import blocks, rewritten
from training.commands import options as c

PAGES = (Path("docs/results.md"), Path("README.md"))


def results(
    pages: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="FILE...",
            help="pages whose tables are written; none: docs/results.md and README.md",
        ),
    ] = None,
    checkpoints: Annotated[
        Path, typer.Option(metavar="DIR", help="folder of the checkpoints")
    ] = Path("checkpoints"),
) -> None:
    """Write the tables of the results pages from the checkpoints' metrics.

    Raises:
        FileError: a page or a checkpoint cannot be read.
    """
    with c.one_line_errors():
        made = blocks(checkpoints)
        # All pages are made before the first is written. An unknown block then leaves every page as
        # it was.
        texts = {page: rewritten(_read(page), made, str(page)) for page in pages or PAGES}
        for page, text in texts.items():
            page.write_text(text, encoding="utf-8")
            typer.echo(f"wrote {page}")


def _read(page: Path) -> str:
    try:
        return page.read_text(encoding="utf-8")
    except OSError as error:
        raise FileError(
            str(page), f"cannot be read ({error.strerror})", "a page", "check the name"
        ) from None


def cards(
    checkpoints: Annotated[
        list[Path], typer.Argument(metavar="CHECKPOINT...", help="folders of checkpoints")
    ],
) -> None:
    """Write the cards of checkpoints anew, from their configuration and metrics."""
    with c.one_line_errors():
        for folder in checkpoints:
            write_card(folder)
            typer.echo(f"wrote {folder / 'README.md'}")
