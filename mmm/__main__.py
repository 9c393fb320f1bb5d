"""``python -m mmm``: see ``mmm.cli``."""

import sys

if __name__ == "__main__":
    try:
        from mmm.cli.app import main

        sys.exit(main())
    except KeyboardInterrupt:  # while libraries are imported
        sys.exit(130)
