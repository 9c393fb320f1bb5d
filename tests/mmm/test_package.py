"""The package as a user meets it: its names, its help, how long it takes to import."""

import pydoc
import subprocess
import sys
from pathlib import Path

import pytest

import mmm
from mmm import paths

VERBS = [
    "load_clip",
    "save_clip",
    "load_model",
    "save_model",
    "recover",
    "interpolate",
    "generate",
    "generate_clip",
    "evaluate",
    "show",
    "save",
]


def run(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.mark.slow
def test_dir_shows_the_verbs_and_every_public_name_is_there():
    assert set(VERBS) | set(mmm.__all__) <= set(dir(mmm))
    assert all(getattr(mmm, name) is not None for name in mmm.__all__)
    with pytest.raises(AttributeError, match="magic"):
        mmm.magic  # noqa: B018


def test_help_shows_the_verbs():
    text = pydoc.render_doc(mmm, renderer=pydoc.plaintext)
    assert all(f"{verb}(" in text for verb in VERBS)


def test_importing_the_package_imports_no_library():
    heavy = run(
        "import sys, mmm; print([m for m in ('torch', 'transformers', 'numpy', 'scipy', 'librosa', "
        "'PIL', 'huggingface_hub') if m in sys.modules])"
    )
    assert heavy == "[]"


@pytest.mark.slow
def test_listing_and_describing_checkpoints_imports_no_torch():
    code = (
        "import sys, mmm; from mmm.checkpoints import check_fit; mmm.list_checkpoints(); "
        "print([m for m in ('torch', 'transformers') if m in sys.modules])"
    )
    assert run(code) == "[]"


def test_clips_can_be_shown_without_importing_the_viewer_by_name():
    assert run("import mmm; print(hasattr(mmm.Clip, 'show'))") == "True"


def test_checkpoints_are_looked_for_where_paths_say(tmp_path, monkeypatch):
    monkeypatch.setenv("MMM_CHECKPOINTS", str(tmp_path / "chosen"))
    assert paths.checkpoint_root() == tmp_path / "chosen"
    monkeypatch.delenv("MMM_CHECKPOINTS")
    assert paths.checkpoint_root() == Path(__file__).parents[2] / "checkpoints"
    monkeypatch.setattr(paths, "SOURCE_TREE", None)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert paths.checkpoint_root() == tmp_path / "data" / paths.NAME / "checkpoints"
