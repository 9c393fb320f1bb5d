"""``python -m mmm``, and the installed command ``mmm``: see ``mmm.cli``."""

import sys


def main() -> int:
    """Run the command line and return its exit status."""
    try:
        from mmm.cli.app import main as run

        return run()
    except KeyboardInterrupt:  # while libraries are imported
        return 130


if __name__ == "__main__":
    sys.exit(main())
