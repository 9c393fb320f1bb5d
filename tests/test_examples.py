"""The examples run: scripts as a user starts them, the notebook in a kernel, the code of the pages."""

import os
import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

import mmm
from mmm.cli.app import main

ROOT = Path(__file__).parent.parent
SCRIPTS = sorted((ROOT / "examples").glob("*.py"))
PAGES = [
    ROOT / "README.md",
    ROOT / "docs" / "index.md",
    *sorted((ROOT / "docs" / "api").glob("*.md")),
]
# One thread: the machine's other cores belong to others, and small networks need no more.
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": str(ROOT),
    "MMM_CHECKPOINTS": str(ROOT / "checkpoints"),
    "OMP_NUM_THREADS": "1",
}
OUTPUTS = {
    "recover.py": {"recovered.bvh", "recovered.html", "errors.png"},
    "compare.py": {"compare.mp4"},
    "generate.py": {"future.npz", "future.html"},
    "explain.py": {"muted.npz"},
    "convert.py": {"dance.npz", "dance.bvh", "dance.pkl", "dance.glb", "dance.gif", "dance.html"},
    "train.py": {"mine", "prepared", "my-network"},
}


def test_every_example_is_listed_and_run():
    assert {path.name for path in SCRIPTS} == set(OUTPUTS)
    listed = re.findall(r"\]\(([\w.]+)\)", (ROOT / "examples" / "README.md").read_text())
    present = {p.name for p in (ROOT / "examples").iterdir() if p.suffix in (".py", ".ipynb")}
    assert set(listed) == present


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script(path, tmp_path, monkeypatch):
    """In this process, which has imported torch already; only its first lines differ from a user's start."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "argv", [str(path), str(tmp_path)])
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    runpy.run_path(str(path), run_name="__main__")
    assert {file.name for file in tmp_path.iterdir()} == OUTPUTS[path.name]


@pytest.mark.slow
def test_a_script_as_a_user_starts_it(tmp_path):
    command = [sys.executable, ROOT / "examples" / "convert.py", tmp_path]
    run = subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-2000:]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.filterwarnings("ignore")  # of the kernel's own libraries
def test_the_notebook(monkeypatch):
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    notebook = nbformat.read(ROOT / "examples" / "notebook.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells), "save it without outputs"
    NotebookClient(notebook, resources={"metadata": {"path": str(ROOT)}}).execute()
    drawn = [
        output["data"]
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if "data" in output
    ]
    assert sum("<iframe srcdoc" in data.get("text/html", "") for data in drawn) == 2
    assert sum("image/png" in data for data in drawn) == 1


def blocks(page):
    """The Python blocks of a page, in order."""
    return re.findall(r"^```python\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)


def test_every_page_of_the_api_has_an_example():
    assert [page.name for page in PAGES if not blocks(page)] == []


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_code_of_a_page(page, tmp_path, monkeypatch):
    """In an empty folder with the data beside it, as the page's reader has it."""
    monkeypatch.chdir(tmp_path)
    for name in ("data", "checkpoints"):
        (tmp_path / name).symlink_to(ROOT / name)
    sample = mmm.load_clip(ROOT / "data/samples/dance_092bpm_test004_dancer03.npz", frames=(0, 90))
    mmm.save_clip(sample, tmp_path / "walk.bvh")
    names = {"__name__": page.stem}
    for number, block in enumerate(blocks(page)):
        exec(compile(block, f"{page.name}, block {number}", "exec"), names)


@pytest.mark.slow
def test_the_command_of_the_readme_recovers_a_dance(tmp_path, monkeypatch, capsys):
    """Known frames come back as they were, hidden ones near the truth; the file reads again."""
    (command,) = re.findall(r"^python -m mmm (recover .*)$", (ROOT / "README.md").read_text(), re.M)
    monkeypatch.chdir(tmp_path)
    for name in ("data", "checkpoints"):
        (tmp_path / name).symlink_to(ROOT / name)
    assert main(shlex.split(command)) == 0
    assert "dance-ecm-small" in capsys.readouterr().out
    back = mmm.load_clip(tmp_path / "recovered.bvh")
    truth = mmm.load_clip("data/samples/dance_092bpm_test004_dancer03.npz", frames=(0, 300))
    off_cm = 100 * np.linalg.norm(back.motion.positions() - truth.motion.positions(), axis=-1)
    assert off_cm[::15].max() < 0.1
    assert 0.1 < off_cm.mean() < 3
