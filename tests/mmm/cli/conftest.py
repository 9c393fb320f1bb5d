"""What the tests of the command line share."""

import shlex

import pytest

from mmm.cli.app import main


@pytest.fixture
def run(capsys):
    """Runs a command; gives its status and what it printed.

    The first argument may be several words of a command line, the others are one word each.
    """

    def run_(words="", *arguments):
        capsys.readouterr()
        status = main([*shlex.split(str(words)), *map(str, arguments)])
        out, err = capsys.readouterr()
        return status, out, err

    return run_
