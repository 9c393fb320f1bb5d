"""The list of checkpoints that the page keeps."""

import os

import pytest

from dashboard.work import networks
from mmm import checkpoints


@pytest.fixture
def root(tmp_path, page_env, monkeypatch):
    from mmm.checkpoints import save_model
    from tests.mmm.networks import tiny_model

    save_model(tiny_model(), tmp_path / "networks" / "tiny", {})
    monkeypatch.setenv("MMM_CHECKPOINTS", str(tmp_path / "networks"))
    return tmp_path / "networks"


def test_the_list_is_read_once_and_again_when_a_file_changes(root, monkeypatch):
    reads, real = [], checkpoints.list_checkpoints
    monkeypatch.setattr(
        networks.checkpoints, "list_checkpoints", lambda r: reads.append(r) or real(r)
    )
    assert [card.name for card in networks.list_checkpoints()] == ["tiny"]
    networks.list_checkpoints()
    assert reads == [root]
    os.utime(root / "tiny" / "config.json", ns=(5, 5))
    networks.list_checkpoints()
    assert reads == [root, root]
    (root / "tiny").rename(root / "other")
    assert [card.name for card in networks.list_checkpoints()] == ["other"]


def test_what_is_no_checkpoint_is_passed_over(root):
    (root / "file").write_text("x")
    (root / "empty").mkdir()
    assert [card.name for card in networks.list_checkpoints()] == ["tiny"]
