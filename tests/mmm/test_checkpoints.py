"""Checkpoints: writing, reading, finding by name, and errors for damaged ones."""

import json
import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors import safe_open

from mmm import masks
from mmm.checkpoints import describe, list_checkpoints, load_model, save_model, weights
from mmm.errors import FileError, ModelError
from mmm.models import make_config, make_model
from mmm.motion.clip import Clip
from mmm.motion.skeleton import SMPL24
from mmm.recovery.recover import recover
from tests.mmm.making import smooth_motion
from tests.mmm.networks import NETWORKS, tiny_batch, tiny_model


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkpoints") / "good"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weights, "MAX_SHARD", "60KB")
        save_model(
            tiny_model("ecm", trained_masks=["every:15"]), folder, {"training": {"steps": 3}}
        )
    return folder


@pytest.mark.parametrize("network", NETWORKS)
@torch.inference_mode()
def test_networks_are_read_back_unchanged(tmp_path, network, monkeypatch):
    monkeypatch.setattr(weights, "MAX_SHARD", "100KB")
    model = tiny_model(network, fill="slerp", output="residual")
    save_model(model, tmp_path / "it", {}, bits=32)
    assert len(list((tmp_path / "it").glob("model-*.safetensors"))) > 1
    again = load_model(tmp_path / "it", device="cpu")
    assert not again.training
    assert {p.dtype for p in again.parameters()} == {torch.float32}
    batch = tiny_batch()
    assert torch.equal(again(*batch).prediction, model(*batch).prediction)
    before, after = model.config.to_dict(), again.config.to_dict()
    for name in ("architectures", "dtype", "_name_or_path"):  # the library's own
        before.pop(name, None), after.pop(name, None)
    assert after == before


@torch.inference_mode()
def test_the_inbetween_network_is_read_back_unchanged(tmp_path):
    """Rotary rates are in no file; as a non-persistent buffer they came back uninitialised."""
    model = make_model(
        make_config(
            "inbetween",
            hidden_size=64,
            num_attention_heads=2,
            intermediate_size=64,
            encoder_layers=1,
        )
    ).eval()
    torch.nn.init.normal_(model.head.weight, std=0.01)
    save_model(model, tmp_path / "it", {}, bits=32)
    again = load_model(tmp_path / "it", device="cpu")
    assert {name for name, _ in again.named_buffers()} <= set(again.state_dict())
    clip = Clip("walk", smooth_motion(0, 60, SMPL24, 30.0))
    hidden = masks.span(clip, 20, 39)
    before, after = (recover(network, clip, hidden).recovered.motion for network in (model, again))
    assert np.array_equal(before.rotations, after.rotations)


def test_weights_are_stored_in_float16(good):
    dtypes = set()
    for shard in good.glob("*.safetensors"):
        with safe_open(shard, "pt") as tensors:
            dtypes |= {tensors.get_tensor(name).dtype for name in tensors.keys()}  # noqa: SIM118  it is no dict
    assert dtypes == {torch.float16}
    original, again = tiny_model("ecm").state_dict(), load_model(good).state_dict()
    assert all((original[name] - again[name]).abs().max() < 1e-3 for name in original)


def test_shards_of_an_older_run_do_not_stay(tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "MAX_SHARD", "60KB")
    save_model(tiny_model(), tmp_path, {})
    monkeypatch.setattr(weights, "MAX_SHARD", "15MB")
    save_model(tiny_model(seed=1), tmp_path, {})
    assert [p.name for p in tmp_path.glob("model*")] == ["model.safetensors"]
    assert torch.allclose(
        load_model(tmp_path).head.weight, tiny_model(seed=1).head.weight, atol=1e-3
    )


def test_found_by_name(good, monkeypatch):
    monkeypatch.setenv("MMM_CHECKPOINTS", str(good.parent))
    assert load_model("good").name_or_path == "good"
    assert describe("good").path == good
    # Documentation writes checkpoints/NAME for any location of the checkpoint folder.
    assert load_model("checkpoints/good").name_or_path == "good"
    with pytest.raises(ModelError, match="no checkpoint"):
        load_model("elsewhere/of/good")  # a path of another folder


def test_described_without_weights(good, tmp_path):
    shutil.copytree(good, tmp_path / "light", ignore=shutil.ignore_patterns("*.safetensors"))
    (tmp_path / "light" / "README.md").write_text("# A card")
    info = describe(tmp_path / "light")
    assert (info.name, info.card, info.metrics) == ("light", "# A card", {"training": {"steps": 3}})
    assert info.config.trained_masks == ["every:15"]


def test_listing_leaves_damaged_checkpoints_out(good, tmp_path):
    for name in ("b", "a"):
        shutil.copytree(good, tmp_path / name)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "config.json").write_text("{")
    (tmp_path / "notes.txt").write_text("no checkpoint")
    infos = list_checkpoints(tmp_path)
    assert [(c.name, c.network, c.fps, c.uses_music, c.max_frames) for c in infos] == [
        ("a", "ecm", 30, True, 40),
        ("b", "ecm", 30, True, 40),
    ]


def test_no_such_checkpoint(good, monkeypatch):
    monkeypatch.setenv("MMM_CHECKPOINTS", str(good.parent))
    with pytest.raises(ModelError) as caught:
        load_model("nowhere")
    assert caught.value.source == "nowhere"
    assert caught.value.expected == "one of good"


def _first_shard(folder):
    return sorted(folder.glob("*.safetensors"))[0]


def _edit(**changes):
    def edit(folder):
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(config | changes))

    return edit


def _only_a_pickle(folder):
    for path in folder.glob("model*"):
        path.unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps({"head.weight": 1}))


BROKEN = {
    "no config": (
        lambda d: (d / "config.json").unlink(),
        "no checkpoint (a folder with config.json)",
    ),
    "config no JSON": (
        lambda d: (d / "config.json").write_text("{oops"),
        "config.json: not readable as JSON",
    ),
    "config a list": (
        lambda d: (d / "config.json").write_text("[1]"),
        "config.json: a list; expected a JSON object",
    ),
    "config binary": (
        lambda d: (d / "config.json").write_bytes(b"\xff\xfe\0"),
        "config.json: not readable as JSON",
    ),
    "metrics no JSON": (
        lambda d: (d / "metrics.json").write_text("{"),
        "metrics.json: not readable as JSON",
    ),
    "cut short": (
        lambda d: _first_shard(d).write_bytes(_first_shard(d).read_bytes()[:1000]),
        "weights cannot be read",
    ),
    "cut in the middle": (
        lambda d: _first_shard(d).write_bytes(_first_shard(d).read_bytes()[:-1000]),
        "weights cannot be read",
    ),
    "empty shard": (lambda d: _first_shard(d).write_bytes(b""), "weights cannot be read"),
    "lost shard": (lambda d: _first_shard(d).unlink(), "weights cannot be read"),
    "only a pickle": (_only_a_pickle, "weights cannot be read"),
    "wider": (_edit(hidden_size=96), "weights missing, unknown or misshapen (cross_encoder."),
    "deeper": (
        _edit(cross_layers=2),
        "23 weights missing, unknown or misshapen (cross_encoder.encoder.layer.1",
    ),
    "shallower": (_edit(encoder_layers=0), "encoder_layers 0"),
    "unknown type": (
        _edit(model_type="bert"),
        "config.json model_type: 'bert'; expected mmm-3bert, mmm-ecm, mmm-",
    ),
    "no type": (_edit(model_type=None), "config.json model_type: None"),
    "width a word": (_edit(hidden_size="wide"), "config.json: a value of the wrong kind or size"),
    "rate a word": (_edit(fps="fast"), "config.json: a value of the wrong kind or size"),
    "no tree": (_edit(joint_parents=[-1, 5, 1, 1, 0, 0]), "parents must be topologically ordered"),
    "too few parents": (_edit(joint_parents=[-1, 0]), "6 names, 2 parents, 6 offsets"),
    "stats lacking": (
        _edit(stats={"root_min": [0.0, 0.0, 0.0]}),
        "a value of the wrong kind or size ('root_max')",
    ),
    "stats too short": (
        _edit(
            stats={
                "root_min": [0.0] * 3,
                "root_max": [1.0] * 3,
                "music_min": [0.0] * 9,
                "music_max": [1.0] * 9,
            }
        ),
        "stats of lengths [3, 3, 9, 9]",
    ),
    "fill unknown": (
        _edit(fill="magic"),
        "config.json fill: 'magic'; expected zero or hold or slerp or inertial",
    ),
    "heads do not divide": (_edit(num_attention_heads=7), "weights cannot be read"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_damaged_checkpoints_give_an_error_of_one_line(good, tmp_path, capfd, name):
    harm, message = BROKEN[name]
    folder = tmp_path / "it"
    shutil.copytree(good, folder)
    harm(folder)
    with pytest.raises(ModelError) as caught:
        load_model(folder)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")  # the library would print reports of its own


def test_the_logging_of_transformers_is_restored(good):
    from transformers.utils import logging

    before = logging.get_verbosity(), logging.is_progress_bar_enabled()
    load_model(good)
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == before


DAMAGE = {
    "wrong bytes": ("metrics.json", b"\xff\xfe\x00"),
    "nested too deeply": ("metrics.json", b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    "metrics of the wrong kind": ("metrics.json", b'{"evaluation": [1, 2]}'),
    "rows of the wrong kind": ("metrics.json", b'{"evaluation": {"rows": ["a"]}}'),
    "card of wrong bytes": ("README.md", b"\xff\xfe\x00"),
    "config nested too deeply": ("config.json", b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damaged_files_are_named_and_the_others_listed(good, tmp_path, name):
    file, content = DAMAGE[name]
    for folder in ("damaged", "whole"):
        shutil.copytree(good, tmp_path / folder)
    (tmp_path / "damaged" / file).write_bytes(content)
    errors: list[ModelError] = []
    assert [c.name for c in list_checkpoints(tmp_path, errors.append)] == ["whole"]
    (error,) = map(str, errors)
    assert str(tmp_path / "damaged" / file) in error
    assert "\n" not in error
    with pytest.raises(ModelError):
        load_model(tmp_path / "damaged")


@pytest.mark.parametrize(
    "change",
    [
        {"joint_names": "hip"},
        {"joint_names": [1, 2]},
        {"joint_parents": {"a": 1}},
        {"fps": float("nan")},
        {"fps": 0},
        {"max_frames": float("inf")},
        {"trained_masks": 7},
        {"noise_dim": "many"},
    ],
)
def test_describing_finds_fields_of_the_wrong_kind(good, tmp_path, change):
    shutil.copytree(good, tmp_path / "it")
    _edit(**change)(tmp_path / "it")
    with pytest.raises(ModelError, match="a value of the wrong kind or size"):
        describe(tmp_path / "it")


def test_describing_reads_old_field_names(good, tmp_path):
    shutil.copytree(good, tmp_path / "it")
    _edit(noise_size=4)(tmp_path / "it")
    config = json.loads((tmp_path / "it" / "config.json").read_text())
    del config["noise_dim"]
    (tmp_path / "it" / "config.json").write_text(json.dumps(config))
    info = describe(tmp_path / "it")
    assert info.noise_dim == info.config.noise_dim == 4


SAVE_ON_A_FULL_DISK = """
import resource, sys
from pathlib import Path
from mmm.checkpoints import save_model
from mmm.errors import FileError
from tests.mmm.networks import tiny_model

model = tiny_model("ecm", seed=5)
_, most = resource.getrlimit(resource.RLIMIT_FSIZE)
for folder, limit in zip(sys.argv[1::2], sys.argv[2::2]):
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), most))
    try:
        save_model(model, Path(folder), {"new": {}})
    except FileError as error:
        print(error)
"""


@pytest.mark.slow
def test_a_full_disk_leaves_the_old_checkpoint(good, tmp_path):
    """A limit on file sizes stands in for a full disk: at config.json, then at the weights."""
    limits = {tmp_path / "config": 500, tmp_path / "weights": 20_000}
    for folder in limits:
        shutil.copytree(good, folder)
        (folder / "README.md").write_text("# A card")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    arguments = [f"{word}" for pair in limits.items() for word in pair]
    run = subprocess.run(
        [sys.executable, "-c", SAVE_ON_A_FULL_DISK, *arguments],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        check=True,
    )
    assert run.stdout.count("the checkpoint cannot be written") == len(limits)
    for folder in limits:
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_failed_save_removes_the_folder_that_it_made(tmp_path, monkeypatch):
    model = tiny_model()

    def full(*args, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(model, "save_pretrained", full)
    with pytest.raises(FileError, match="No space left on device"):
        save_model(model, tmp_path / "new", {})
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("moved", [0, 1, 2])
def test_a_save_that_was_killed_while_moving_files_is_finished(tmp_path, monkeypatch, moved):
    monkeypatch.setattr(weights, "MAX_SHARD", "60KB")
    save_model(tiny_model(), tmp_path, {})
    monkeypatch.setattr(weights, "MAX_SHARD", "15MB")
    replace, done = Path.replace, []

    def killed(self, target):
        if len(done) == moved:
            raise KeyboardInterrupt
        done.append(target)
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        save_model(tiny_model(seed=1), tmp_path, {"new": {}})
    monkeypatch.setattr(Path, "replace", replace)
    again = load_model(tmp_path, device="cpu")
    assert torch.allclose(again.head.weight, tiny_model(seed=1).head.weight, atol=1e-3)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "config.json",
        "metrics.json",
        "model.safetensors",
    ]


def test_other_files_of_the_folder_stay(good, tmp_path):
    (tmp_path / "runs").mkdir()
    (tmp_path / "README.md").write_text("# A card")
    save_model(tiny_model(), tmp_path, {})
    assert {"runs", "README.md"} <= {path.name for path in tmp_path.iterdir()}


@pytest.fixture
def hub_cache(good, tmp_path, monkeypatch):
    """An offline cache of huggingface_hub that holds one model, ``someone/dancer``."""
    from huggingface_hub import constants

    cache, commit = tmp_path / "hub", "0" * 40
    repo = cache / "models--someone--dancer"
    (repo / "refs").mkdir(parents=True)
    (repo / "refs" / "main").write_text(commit)
    shutil.copytree(good, repo / "snapshots" / commit)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.chdir(tmp_path)
    return cache


def test_a_model_of_the_hub_is_loaded_from_the_cache(hub_cache, good):
    model = load_model("someone/dancer", device="cpu")
    assert model.name_or_path == "someone/dancer"
    assert torch.equal(model.head.weight, load_model(good, device="cpu").head.weight)


@pytest.mark.parametrize("name", ["someone/else", "checkpoints/dancer", "dancer", "a/b/c", "../x"])
def test_a_name_that_is_nowhere_gives_an_error_of_one_line(hub_cache, name):
    with pytest.raises(ModelError, match=r"no checkpoint") as caught:
        load_model(name)
    assert "\n" not in str(caught.value)
    assert ("Hugging Face" in str(caught.value)) == (name == "someone/else")


def test_a_folder_takes_precedence_over_the_hub(hub_cache, good, tmp_path):
    shutil.copytree(good, tmp_path / "someone" / "dancer")
    assert describe("someone/dancer").path == Path("someone/dancer")


class FakeApi:
    """Stands in for ``huggingface_hub.HfApi``; keeps the files instead of uploading them."""

    def __init__(self):
        self.files: dict[str, bytes] = {}

    def create_repo(self, repo_id, *, private, exist_ok):
        self.made = repo_id, private, exist_ok
        return SimpleNamespace(repo_id=repo_id)

    def upload_folder(self, *, repo_id, folder_path, commit_message):
        self.message = commit_message
        self.files = {path.name: path.read_bytes() for path in Path(folder_path).iterdir()}
        return f"https://huggingface.co/{repo_id}/commit/1"


def test_push_to_hub_sends_weights_card_and_metrics(good, tmp_path):
    shutil.copytree(good, tmp_path / "it")
    (tmp_path / "it" / "README.md").write_text("# A card")
    api = FakeApi()
    address = load_model(tmp_path / "it").push_to_hub("someone/dancer", api=api, private=True)
    assert address == "https://huggingface.co/someone/dancer/commit/1"
    assert api.made == ("someone/dancer", True, True)
    assert api.files["README.md"] == b"# A card"
    assert json.loads(api.files["metrics.json"]) == {"training": {"steps": 3}}
    (tmp_path / "there").mkdir()
    for name, content in api.files.items():
        (tmp_path / "there" / name).write_bytes(content)
    assert torch.equal(load_model(tmp_path / "there").head.weight, load_model(good).head.weight)


def test_auto_classes_read_our_checkpoints(good):
    from transformers import AutoConfig, AutoModel

    assert type(AutoConfig.from_pretrained(good)).__name__ == "EcmConfig"
    model = AutoModel.from_pretrained(good)
    assert torch.equal(model.head.weight.float(), load_model(good, device="cpu").head.weight)
