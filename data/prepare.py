"""Make data sets ready for training: ``python -m data.prepare dance --out data/processed/dance``."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from data.dance import dataset
from data.dance.samples import write_samples


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m data.prepare", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    dance = commands.add_parser("dance", help="our own dance set: music, motion, split")
    dance.add_argument("--out", type=Path, default=Path("data/processed/dance"), help="folder to write into")
    dance.add_argument("--train", type=int, default=1200, help="clips to train on")
    dance.add_argument("--val", type=int, default=60, help="clips to validate on")
    dance.add_argument("--test", type=int, default=240, help="clips to test on")
    dance.add_argument("--frames", type=int, default=600, help="frames a clip, at 60 a second")
    dance.add_argument("--seed", type=int, default=0, help="of the choice of dancers and stretches")
    dance.add_argument("--jobs", type=int, default=2, help="processes that render songs")
    samples = commands.add_parser("samples", help="the twelve clips that ship with the project, made again")
    samples.add_argument("--out", type=Path, default=Path("data/samples"), help="folder to write into")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    options = _parser().parse_args(arguments)
    if options.command == "samples":
        write_samples(options.out)
        return 0
    sizes = {"train": options.train, "val": options.val, "test": options.test}
    dataset.prepare(options.out, sizes, options.frames, options.seed, options.jobs)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
