"""The documentation site: its command line is fresh, and every public name is in it.

``.ci/run`` builds it, and a warning is an error there.
"""

import importlib.util
import re
from pathlib import Path

import pytest

import mmm

ROOT = Path(__file__).parent.parent


def script_of(name):
    """A Python file of docs/, which is no package."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


def test_every_page_is_in_the_navigation_and_exists():
    pytest.importorskip("mkdocs")
    docs = {str(page.relative_to(ROOT / "docs")) for page in (ROOT / "docs").rglob("*.md")}
    # Text and not YAML: the configuration has tags of its own.
    named = re.findall(r": ([\w./-]+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE)
    assert set(named) == docs | set(script_of("hooks").PAGES.values())


def test_the_page_of_the_command_line_is_fresh():
    script = script_of("command_line")
    assert script.TARGET.read_text() == script.page(), "run python docs/command_line.py"


def test_every_public_name_is_documented():
    text = "".join(page.read_text() for page in (ROOT / "docs" / "api").glob("*.md"))
    documented = {
        name.split(".")[0] for name in re.findall(r"^::: mmm\.([\w.]+)", text, re.MULTILINE)
    }
    constants = {"SMPL24"}  # a value; Skeleton is its page
    assert set(mmm.__all__) - constants - {"__version__"} <= documented
