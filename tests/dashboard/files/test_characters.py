"""Export onto a character: which files are offered, what is written, what is refused."""

import pytest

from dashboard.files.characters import _OnCharacter
from mmm import Clip, load_clip, save_clip
from tests.dashboard.conftest import SAMPLE
from tests.dashboard.futures import CHANCE
from tests.mmm.making import clip_of, smooth_motion
from tests.mmm.motion.retargeting.characters import mixamo

LINK = {"sequence": SAMPLE, "frames": "0-60", "hide": "span:20-39", "method": "slerp"}


@pytest.fixture
def character(page_env):
    save_clip(Clip("hero", smooth_motion(1, 3, mixamo())), page_env / "hero.bvh")
    save_clip(clip_of(), page_env / "animal.bvh")
    return page_env / "hero.bvh"


def downloads(page):
    """Labels of the buttons that export onto the character."""
    return [b.label for b in page.app.get("download_button") if "onto-" in (b.key or "")]


@pytest.mark.slow
def test_a_recovery_is_offered_on_a_character(open_workbench, character):
    page = open_workbench(**LINK).recovered()
    assert downloads(page) == []
    page.set("character", "mine/hero.bvh")
    assert downloads(page) == ["BVH", "GLB", "NPZ"]
    page.set("character", "mine/animal.bvh")
    assert downloads(page) == []
    assert "animal.bvh: no joint found for" in page.said
    assert "choose another file" in page.said


@pytest.mark.slow
def test_a_continuation_is_offered_on_a_character(open_workbench, character, networks, monkeypatch):
    monkeypatch.setenv("MMM_CHECKPOINTS", str(networks))
    page = open_workbench(mode="generate", sequence=SAMPLE, method=CHANCE, length_s="1.5")
    page.press("gen_go").until(lambda p: p.has("gen_drop-0") and not p.has("gen_cancel"))
    page.set("gen_get-character", "mine/hero.bvh")
    assert downloads(page) == ["BVH", "GLB", "NPZ"]


def test_the_file_has_the_characters_joints_and_the_clips_frames(character, tmp_path, made_clip):
    hero = load_clip(character)
    _OnCharacter(made_clip, hero, ()).save(tmp_path / "out.bvh")
    written = load_clip(tmp_path / "out.bvh").motion
    assert written.skeleton.same_joints(hero.motion.skeleton)
    assert len(written) == len(made_clip)
