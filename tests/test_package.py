"""The package that ``pip install .`` installs: its files, its requirements, its command."""

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import mmm

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def requirements(name):
    """The requirements of one file, without comments and without the files that it includes."""
    lines = (line.split("#")[0].strip() for line in (ROOT / name).read_text().splitlines())
    return {line for line in lines if line and not line.startswith("-r")}


@pytest.mark.parametrize(
    ("name", "extras"),
    [
        ("requirements.txt", ["workbench"]),
        ("requirements-train.txt", ["train"]),
        ("requirements-docs.txt", ["docs"]),
        ("requirements-serve.txt", ["serve"]),
        ("requirements-dev.txt", ["dev"]),
    ],
)
def test_the_package_asks_for_what_the_requirements_files_hold(name, extras):
    declared = set(PROJECT["dependencies"] if name == "requirements.txt" else ())
    for extra in extras:
        declared |= set(PROJECT["optional-dependencies"][extra])
    own = {line for line in declared if line.startswith("masked-motion-workbench")}
    assert declared - own == requirements(name)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from a copy of the source, so that nothing is left beside it."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    shutil.copytree(ROOT / "mmm", source / "mmm", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    command = ["-m", "build", "--wheel", "--no-isolation", "--outdir", folder, source]
    built = subprocess.run([sys.executable, *command], capture_output=True, text=True)
    assert built.returncode == 0, built.stdout[-2000:] + built.stderr[-2000:]
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


@pytest.mark.slow
def test_the_wheel_holds_the_package_and_nothing_else(wheel):
    names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    source = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "mmm").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert names == source
    assert "mmm/py.typed" in names
    assert any(name.endswith("viewer.js") for name in names)


@pytest.mark.slow
def test_the_wheel_brings_the_command_the_version_and_the_licence(wheel):
    (info,) = {name.split("/")[0] for name in wheel.namelist() if ".dist-info/" in name}
    assert "mmm = mmm.__main__:main" in wheel.read(f"{info}/entry_points.txt").decode()
    metadata = wheel.read(f"{info}/METADATA").decode()
    assert re.search(rf"^Version: {re.escape(mmm.__version__)}$", metadata, re.MULTILINE)
    assert "License-Expression: MIT" in metadata
    assert f"{info}/licenses/LICENSE" in wheel.namelist()
    assert {"workbench", "train", "serve", "docs", "dev"} <= set(
        re.findall(r"^Provides-Extra: (.+)$", metadata, re.MULTILINE)
    )
