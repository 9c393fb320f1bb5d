"""What the tests of the command line share."""

import pytest

from mmm.cli.app import main


@pytest.fixture
def run(capsys):
    """Runs a command; gives its status and what it printed."""

    def run_(*arguments):
        capsys.readouterr()
        status = main([str(a) for a in arguments])
        out, err = capsys.readouterr()
        return status, out, err

    return run_
