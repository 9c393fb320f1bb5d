"""Make data sets ready for training: our own dance set, AIST++, LAFAN1, any folder of BVH and AMC."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from data.dance import dataset
from data.dance.samples import write_samples
from data.dance.truth import save_truths, truth_of
from data.sources import commands as sources
from mmm.errors import MMMError


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m data.prepare", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    dance = commands.add_parser("dance", help="our own dance set: music, motion, split")
    dance.add_argument(
        "--out", type=Path, default=Path("data/processed/dance"), help="folder to write into"
    )
    dance.add_argument("--train", type=int, default=1200, help="clips to train on")
    dance.add_argument("--val", type=int, default=60, help="clips to validate on")
    dance.add_argument("--test", type=int, default=240, help="clips to test on")
    dance.add_argument("--frames", type=int, default=600, help="frames a clip, at 60 a second")
    dance.add_argument("--seed", type=int, default=0, help="of the choice of dancers and stretches")
    dance.add_argument("--jobs", type=int, default=2, help="processes that render songs")
    truth = commands.add_parser(
        "truth", help="which music frames decide which motion frames of a clip of the set"
    )
    truth.add_argument("clip", help="a name such as test004_dancer03_at0626")
    truth.add_argument("--frames", type=int, default=600, help="frames of the clip, at 60 a second")
    truth.add_argument("--out", type=Path, required=True, help="the .npz to write")
    samples = commands.add_parser(
        "samples", help="the twelve clips that ship with the project, made again"
    )
    samples.add_argument(
        "--out", type=Path, default=Path("data/samples"), help="folder to write into"
    )
    sources.add_commands(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        _run(options)
    except MMMError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2
    except KeyboardInterrupt:
        print("stopped; the same command goes on where it was", file=sys.stderr)  # noqa: T201
        return 130
    return 0


def _run(options: argparse.Namespace) -> None:
    if options.command in sources.KINDS:
        sources.run(options)
    elif options.command == "samples":
        write_samples(options.out)
    elif options.command == "truth":
        song, dancer, start = dataset.parse_clip_name(options.clip)
        save_truths(options.out, [truth_of(song, dancer, start, options.frames)])
    else:
        sizes = {"train": options.train, "val": options.val, "test": options.test}
        dataset.prepare(options.out, sizes, options.frames, options.seed, options.jobs)


if __name__ == "__main__":
    raise SystemExit(main())
