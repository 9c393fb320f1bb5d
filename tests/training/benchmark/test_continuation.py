"""``python -m training benchmark dance`` and ``continue``: on a small set whose answers are known."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import training.benchmark.continuation as future
from mmm.checkpoints import save_model
from mmm.errors import FileError, ModelError
from mmm.models import make_config, make_model
from mmm.motion.clip import Motion
from mmm.motion.rotations import matrix_to_sixd
from mmm.motion.skeleton import SMPL24
from tests.mmm.making import smooth_motion
from tests.mmm.networks import save_roles_network
from tests.training.running import run_training
from training.benchmark.continuation import by_temperature, futures, held, material, row, rows
from training.benchmark.dance_moves import Bar, Moves, bars_of
from training.data.dataset import MotionSet

MOVES = ("twist left", "twist right", "sway left")
BAR, BARS, FIRST = 40, 6, 10


def danced(move, seed):
    """A bar of a move: a motion of its own, danced a little otherwise by everybody."""
    base = smooth_motion(100 + MOVES.index(move), BAR)
    return base.rotations, base.root_m + np.float32(0.01 * seed)


def write_dances(folder: Path, clips: int, seed: int) -> list[list[str]]:
    """Clips of six bars after ten frames, and half a bar at the end; the songs differ."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    rotations, root_m, music, rows, influences, told = [], [], [], [], [], []
    length = FIRST + BARS * BAR + BAR // 2
    for k in range(clips):
        # Never the move of the clip before in the same bar: what is right to another song is wrong here.
        moves = [MOVES[(k + b + seed) % 3] for b in range(BARS)]
        told.append(moves)
        parts = [danced(move, k) for move in (moves[-1], *moves, moves[0])]
        rotations.append(np.concatenate([r for r, _ in parts])[BAR - FIRST :][:length])
        root_m.append(np.concatenate([p for _, p in parts])[BAR - FIRST :][:length])
        features = rng.normal(size=(length, 35)).astype(np.float32)
        features[:, 34] = 0
        features[FIRST + 3 * k % 10 :: 10, 34] = 1
        music.append(features)
        rows.append({"name": f"clip{k}", "song": f"song{k}", "first": k * length, "frames": length})
        lines = [-BAR + FIRST + b * BAR for b in range(BARS + 3)]
        for b, (start, move) in enumerate(zip(lines, (moves[-1], *moves, moves[0]), strict=False)):
            influences.append((k, 0, f"Am {move}", (max(start, 0), min(lines[b + 1], length))))
            influences.append((k, 1, "kick", (max(start, 0), max(start, 0) + 6)))
    np.save(folder / "rotations.npy", matrix_to_sixd(np.concatenate(rotations)).astype(np.float16))
    np.save(folder / "root_m.npy", np.concatenate(root_m))
    np.save(folder / "music.npy", np.concatenate(music))
    (folder / "clips.json").write_text(
        json.dumps({"fps": 60.0, "skeleton": list(SMPL24.names), "clips": rows})
    )
    np.savez(
        folder / "truth.npz",
        clip=[i[0] for i in influences],
        rule=[i[1] for i in influences],
        label=[i[2] for i in influences],
        music=[i[3] for i in influences],
        motion=[i[3] for i in influences],
        rules=["chord", "kick"],
        frames=[length] * clips,
    )
    return told


@pytest.fixture(scope="module")
def dances(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sets") / "steps"
    write_dances(folder / "train", 4, 0)
    write_dances(folder / "test", 5, 1)
    return folder


@pytest.fixture(scope="module")
def listener():
    """A small random network that hears and takes chance."""
    torch.manual_seed(0)
    sizes = {"intermediate_size": 32, "encoder_layers": 1, "cross_layers": 1, "hidden_size": 256}
    return make_model(
        make_config(
            "3bert-small",
            noise_dim=4,
            horizon_s=[0.5, 0.5, 0.4],
            trained_masks=["the last 40..96"],
            **sizes,
        )
    ).eval()


@pytest.fixture(scope="module")
def found(dances, listener):
    stored = MotionSet(dances / "test")
    return material(
        stored, listener, 3, 50, 3.0, bars_of(dances / "test"), Moves.fit(dances / "train")
    )


def test_bars_and_their_moves(dances):
    bars = bars_of(dances / "train")
    assert [len(own) for own in bars] == [
        BARS
    ] * 4  # the two that are cut off at the ends are left out
    assert bars[0][0] == Bar(FIRST, FIRST + BAR, "twist left")
    assert [bar.move for bar in bars[1]] == [MOVES[(1 + b) % 3] for b in range(BARS)]


def test_moves_are_told_apart(dances):
    moves = Moves.fit(dances / "train")
    assert set(moves.names) == set(MOVES)
    slow = {move: Motion(SMPL24, *danced(move, 9), 60.0).resample(97.0) for move in MOVES}
    for move, motion in slow.items():
        assert moves.name(motion, Bar(0, len(motion), "?")) == move  # at another tempo too
    bars = [[Bar(0, 40, "twist right")], [Bar(0, 40, "twist left"), Bar(30, 90, "sway left")]]
    motions = [Motion(SMPL24, *danced("twist left", 0), 60.0)] * 2
    assert moves.score(motions, bars) == {"bars": 2, "move_and_side": 0.5, "move": 1.0}
    assert moves.score(motions, [[], []])["move"] is None


def test_sets_without_the_rule_are_refused(dances, tmp_path):
    with pytest.raises(FileError, match=r"truth\.npz"):
        bars_of(tmp_path)


def test_cases_are_seeds_and_what_came_after(found, dances):
    assert len(found.cases) == 3
    assert found.reference_clips == 2
    case = found.cases[1]
    assert (len(case.seed), len(case.truth), len(case.music)) == (50, 180, 180)
    assert np.array_equal(case.truth.rotations, case.clip.motion.rotations[50:230])
    assert [(bar.start, bar.stop) for bar in case.bars] == [
        (0, 40),
        (40, 80),
        (80, 120),
        (120, 160),
    ]


def test_truth_another_song_and_hold(found):
    truths = [case.truth for case in found.cases]
    truth, other, hold = (
        row(truths, found),
        row(truths, found, another_song=True),
        row([held(case) for case in found.cases], found),
    )
    assert truth["energy_share"] == pytest.approx(1)
    assert np.mean(truth["energy_shares"]) == pytest.approx(1, rel=0.02)
    assert (truth["frozen"], hold["frozen"], hold["energy"]) == (0, 3, 0)
    assert truth["moves"] == {"bars": 12, "move_and_side": 1.0, "move": 1.0}
    assert other["moves"]["move_and_side"] < 0.5
    assert other["energy"] == truth["energy"]
    assert other["per_music_beat"] != truth["per_music_beat"]
    assert hold["fid_kinetic"] > 3 * truth["fid_kinetic"]
    assert hold["diversity_kinetic"] < truth["diversity_kinetic"]


@pytest.mark.slow
def test_the_network_never_sees_what_came_after(found, listener):
    clean, _ = futures(listener, found.cases)
    other = replace(
        found.cases[0],
        clip=replace(found.cases[0].clip, motion=found.cases[0].clip.motion.mirror()),
    )
    blind, _ = futures(listener, [other])
    assert np.array_equal(clean[0].rotations, blind[0].rotations)


@pytest.mark.slow
def test_every_motion_is_made_once_with_chances_of_its_own(found, listener, monkeypatch):
    calls, run = [], future.generate_clip
    monkeypatch.setattr(
        future, "generate_clip", lambda *a, **k: (calls.append(k["random_seed"]), run(*a, **k))[1]
    )
    table = rows(listener, found, "net", seed=4)
    assert calls == [4 * future.SEEDS_APART + number for number in range(3)]
    assert list(table) == ["net", "truth", "another song", "hold"]
    assert len(table["net"]["energy_shares"]) == 3
    assert table["net"]["frames_per_second"] > 0


@pytest.mark.slow
def test_variety_is_measured(found, listener):
    with torch.no_grad():
        listener.head.weight.normal_(std=0.05)
    calm, lively = by_temperature(listener, found, [0.0, 3.0], 2)
    assert (calm["apart_cm"], calm["kinetic_distance"]) == (0, 0)
    assert lively["apart_cm"] > 0
    assert (lively["variety"], lively["seeds"], lively["clips"]) == (3.0, 2, 3)


def test_what_does_not_fit_is_refused(dances, listener):
    stored = MotionSet(dances / "test")
    with pytest.raises(FileError, match="no clip of"):
        material(stored, listener, 3, 120, 60.0)
    stored.music = None
    with pytest.raises(ModelError, match="uses music, and the set has none"):
        material(stored, listener, 3, 50, 2.0)


def command(*arguments):
    return run_training("benchmark", *arguments)


@pytest.mark.slow
def test_commands_write_table_and_card(dances, listener, tmp_path):
    folder = tmp_path / "dancer"
    save_model(listener, folder, {})
    done = command(
        "dance",
        "--checkpoint",
        folder,
        "--data",
        dances,
        "--train",
        dances,
        "--clips",
        3,
        "--seed-frames",
        50,
        "--seconds",
        2,
        "--try-variety",
        1,
        "--seeds",
        2,
        "--json",
        tmp_path / "d.json",
    )
    assert done.exit_code == 0
    told = json.loads((tmp_path / "d.json").read_text())
    assert list(told["rows"]) == ["dancer", "truth", "another song", "hold"]
    assert json.loads((folder / "metrics.json").read_text())["generation"]["steps"] == told
    card = (folder / "README.md").read_text()
    assert "## Generation from a seed: steps" in card
    assert "bars with the rule's move and side" in card
    assert "| temperature |" in card
    assert "beat alignment, per music beat" in done.stdout
    assert "frames a second" in done.stdout


@pytest.mark.slow
def test_continue_without_music(dances, tmp_path):
    save_roles_network(tmp_path / "walker")
    split = tmp_path / "walks" / "test"
    split.mkdir(parents=True)
    from mmm.motion.humanoid import match_roles

    roles = match_roles(SMPL24)
    motions = [roles.to_roles(smooth_motion(k, 100, fps=30.0)) for k in range(3)]
    np.save(
        split / "rotations.npy",
        np.concatenate([matrix_to_sixd(m.rotations) for m in motions]).astype(np.float16),
    )
    np.save(split / "root_m.npy", np.concatenate([m.root_m for m in motions]))
    body = motions[0].skeleton
    (split / "clips.json").write_text(
        json.dumps(
            {
                "fps": 30.0,
                "skeleton": list(body.names),
                "joint_parents": list(body.parents),
                "joints_are": "roles",
                "joint_offsets_m": body.offsets_m.tolist(),
                "bodies": [body.offsets_m.tolist()],
                "clips": [
                    {"name": f"w{k}", "first": 100 * k, "frames": 100, "body": 0} for k in range(3)
                ],
            }
        )
    )
    done = command(
        "continue",
        "--checkpoint",
        tmp_path / "walker",
        "--data",
        tmp_path / "walks",
        "--clips",
        2,
        "--seed-frames",
        30,
        "--seconds",
        2,
    )
    assert done.exit_code == 0
    told = json.loads((tmp_path / "walker" / "metrics.json").read_text())["generation"]["walks"]
    assert list(told["rows"]) == ["walker", "truth", "hold"]
    assert told["rows"]["hold"]["frozen"] == 2
    assert "beat alignment" not in done.stdout


def test_errors_in_one_line(listener, tmp_path):
    folder = tmp_path / "dancer"
    save_model(listener, folder, {})
    done = command("dance", "--checkpoint", folder, "--data", tmp_path)
    assert done.exit_code == 2
    assert done.stderr.startswith("error: ")
    assert "no clips.json" in done.stderr
