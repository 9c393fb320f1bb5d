"""``python -m tests.fuzz --reader bvh --count 1000000``: fuzz one reader or all of them."""

import argparse
import sys

from tests.fuzz.readers import READERS
from tests.fuzz.running import FINDS, Report, input_of, run, work


def main() -> int:
    if sys.argv[1:2] == ["--work"]:
        reader, seed, first, size = sys.argv[2:]
        work(reader, int(seed), int(first), int(size))
        return 0
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--reader", choices=sorted(READERS), help="all where not given")
    parser.add_argument("--count", type=int, default=10_000, help="inputs a reader")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", type=int, default=0, help="number of the first input")
    parser.add_argument("--keep", action="store_true", help="write finds to tests/fuzz/finds")
    options = parser.parse_args()
    found = 0
    for name in [options.reader] if options.reader else sorted(READERS):

        def progress(report: Report, name: str = name) -> None:
            print(
                f"\r{name}: {report.inputs:,} inputs, {report.refused:,} refused, "
                f"{report.seconds:.0f} s, slowest {report.slowest_s:.2f} s, "
                f"{len(report.finds or {})} finds ",
                end="",
                flush=True,
            )

        report = run(name, options.count, options.seed, options.start, progress=progress)
        print()
        for what, number in (report.finds or {}).items():
            print(f"  {what}: input {number}")
            if options.keep:
                data = input_of(name, options.seed, number, READERS[name].seeds())
                (FINDS / f"{name}-{options.seed}-{number}").write_bytes(data)
        found += len(report.finds or {})
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
