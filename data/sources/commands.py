"""``python -m data prepare aist | lafan1 | bvh``: prepare recordings for training."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from data.sources.jobs import run
from data.sources.options import AistOptions, BvhOptions, Lafan1Options


def aist(options: AistOptions) -> None:
    """AIST++ motions with their music, by the published splits."""
    run(options)


def lafan1(options: Lafan1Options) -> None:
    """LAFAN1: train on subjects 1 to 4, test on 5."""
    run(options)


def bvh(
    options: BvhOptions,
    # A shell expands ``--bvh *.bvh`` to one value and many arguments, which are taken in here.
    more: Annotated[list[Path] | None, typer.Argument(hidden=True)] = None,
) -> None:
    """Any folders, archives and files of BVH and AMC."""
    run(replace(options, bvh=[*options.bvh, *(more or [])]))
