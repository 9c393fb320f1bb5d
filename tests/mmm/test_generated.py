"""A generation judged, shown and saved: the figures are the metrics'; the truth beside only where it goes on."""

from dataclasses import replace

import numpy as np
import pytest

from mmm import Clip, Motion, load_clip
from mmm.generation.result import Generation, evaluate, held, report
from mmm.metrics import dance as dance_metrics
from mmm.metrics.naturalness import motion_beats
from mmm.motion.clip import Music
from mmm.viewer.payload import unpack
from mmm.viewer.raster.lettering import Lettering
from tests.mmm.io.gltf_reader import Glb
from tests.mmm.making import smooth_motion
from tests.mmm.viewer.test_save import MAGIC

SEED, ALL = 40, 130


def after(motion: Motion) -> Motion:
    return motion.crop(SEED, len(motion))


def joined(seed: Motion, rest: Motion) -> Motion:
    return replace(
        seed,
        rotations=np.concatenate([seed.rotations, rest.rotations]),
        root_m=np.concatenate([seed.root_m, rest.root_m]),
    )


TRUTH = smooth_motion(3, 150)
MADE = joined(TRUTH.crop(0, SEED), smooth_motion(4, ALL - SEED))


@pytest.fixture(scope="module")
def made():
    return Generation(
        Clip("made continued", MADE),
        SEED,
        "folder/net",
        1.0,
        7,
        0.5,
        Clip("made", TRUTH.crop(0, ALL)),
    )


def test_figures_are_those_of_the_metrics_for_what_comes_after_the_seed(made):
    before, usual = MADE.crop(0, SEED), dance_metrics.energy(TRUTH.crop(SEED, ALL))
    found = made.evaluate()
    assert found.energy_scale == usual
    assert found.generated == dance_metrics.summarise(after(MADE), before, usual)
    assert found.reference == dance_metrics.summarise(TRUTH.crop(SEED, ALL), before, usual)
    assert found.reference.energy_share == pytest.approx(1)
    assert found.static.frozen and not found.generated.frozen
    assert found.static == dance_metrics.summarise(held(before, ALL - SEED), before, usual)


def test_beats_count_from_the_seeds_end(made):
    beats = motion_beats(after(MADE)) + SEED
    music = Music(
        np.zeros((ALL + 50, 35), np.float32), 60.0, np.array([3, 20, *beats, ALL + 20]), 120.0
    )
    found = evaluate(MADE, SEED, None, music)
    assert found.generated.per_music_beat == pytest.approx(1.0)
    assert found.generated.per_motion_beat == pytest.approx(1.0)


@pytest.mark.parametrize("truth", [None, TRUTH.crop(0, SEED + 59)])
def test_where_the_truth_ends_with_the_seed_the_seed_says_what_is_usual(truth):
    found = evaluate(MADE, SEED, truth)
    assert (found.reference, found.reference_frames) == (None, 0)
    assert found.energy_scale == dance_metrics.energy(MADE.crop(0, SEED))


def test_the_report_names_everyone(made):
    told = report(made, made.evaluate())
    assert list(told["methods"]) == ["folder/net", "truth", "hold"]
    assert (told["clip"], told["frames"], told["seed"], told["usual_energy_of"]) == (
        "made",
        ALL - SEED,
        7,
        "truth",
    )
    assert [one["frames"] for one in told["methods"].values()] == [ALL - SEED] * 3


def test_the_truth_stands_beside_only_where_it_goes_on_as_long(made):
    scene = made.scene()
    assert [(p.name, p.role) for p in scene.performers] == [("Truth", "truth"), ("net", "model")]
    assert not scene.hidden[:SEED].any()
    assert scene.hidden[SEED:].all()
    short = replace(made, truth=Clip("made", TRUTH.crop(0, ALL - 1)))
    assert [p.name for p in short.scene().performers] == ["net"]
    assert [p.name for p in replace(made, truth=None).scene().performers] == ["net"]
    several = made.scene(replace(made, random_seed=8), replace(short, clip=made.clip.crop(0, 90)))
    assert [p.name for p in several.performers] == [
        "Truth",
        "net, seed 7",
        "net, seed 8",
        "net, seed 7",
    ]
    assert [p.look for p in several.performers] == ["", "", "second", "third"]
    assert len(several) == 90


def test_page_and_film_say_where_the_seed_ends(made):
    header, arrays = unpack(made.scene().payload())
    assert (header["future"]["seed"], header["future"]["ready"], header["future"]["live"]) == (
        SEED,
        ALL,
        False,
    )
    assert "hidden" not in arrays
    scene = made.scene()
    lettering = Lettering(scene, (640, 360), "light", [[p] for p in scene.performers])
    assert [
        lettering._state(scene.performers[1], frame) for frame in (0, SEED - 1, SEED, ALL - 1)
    ] == ["seed", "seed", "generated", "generated"]


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [s for s in MAGIC if s != ".png"])
def test_it_saves_as_what_its_suffix_says(made, tmp_path, suffix):
    few = replace(made, clip=made.clip.crop(0, SEED + 12), truth=made.truth.crop(0, SEED + 12))
    few.save(tmp_path / f"g{suffix}")
    at, magic = MAGIC[suffix]
    data = (tmp_path / f"g{suffix}").read_bytes()
    assert data[at : at + len(magic)] == magic
    positions = few.clip.motion.positions()
    if suffix in (".bvh", ".npz", ".pkl"):
        np.testing.assert_allclose(
            load_clip(tmp_path / f"g{suffix}").motion.positions(), positions, atol=1e-3
        )
    if suffix == ".glb":
        world, _ = Glb(data).world((SEED + 6) / 60)
        np.testing.assert_allclose(
            [world[name][:3, 3] for name in MADE.skeleton.names], positions[SEED + 6], atol=1e-4
        )
