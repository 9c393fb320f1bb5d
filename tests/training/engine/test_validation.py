"""What a run shows of itself: real event files, written and read back."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.utils.tensorboard import SummaryWriter

from mmm import masks
from mmm.errors import FileError, ModelError, SpecError
from mmm.evaluation.evaluate import evaluate, with_baselines
from mmm.models import make_config, make_model
from mmm.motion.clip import Clip
from mmm.motion.skeleton import SMPL24
from mmm.recovery.recover import interpolate
from tests.mmm.making import TINY, smooth_motion
from tests.training.conftest import write_split
from training.data.dataset import MotionSet
from training.engine import figures as pictures
from training.engine.validation import Watch, default_specs

SIZES = {"hidden_size": 256, "intermediate_size": 32, "encoder_layers": 1, "max_frames": 40}
SPECS = ("every:5", "span:10-19")


def network(preset="ecm-small", body=SMPL24, fps=60.0):
    """A network that is not slerp: its head is not zero."""
    layers = {"cross_layers": 1} if preset == "ecm-small" else {}
    fields = {
        "representation": "joints",
        "joint_names": list(body.names),
        "joint_parents": list(body.parents),
        "joint_offsets_m": body.offsets_m.tolist(),
    }
    torch.manual_seed(0)
    model = make_model(make_config(preset, **SIZES, **layers, **fields, fps=fps)).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.startswith("head."):
                weight.normal_(0, 0.002)
    return model


@pytest.fixture(scope="module")
def watched(prepared, tmp_path_factory):
    """Two looks at one network, and what TensorBoard reads of them."""
    folder, model = tmp_path_factory.mktemp("logs"), network()
    watch = Watch(prepared, model.config, clips=2, frames=30, specs=SPECS)
    with SummaryWriter(folder) as writer:
        figures = watch(100, model, writer)
        watch(200, model, writer)
    events = EventAccumulator(str(folder), size_guidance={"images": 0, "scalars": 0})
    events.Reload()
    return figures, events


@pytest.mark.slow
def test_scalars_equal_a_direct_evaluation(watched, prepared):
    figures, events = watched
    clips = MotionSet(prepared / "val").cut_clips(2, 30, SMPL24, 60.0)
    rows = evaluate(network(), clips, SPECS)
    expected = {}
    for row in rows:
        method = (
            row["method"] if row["method"] in ("hold", "slerp", "inertial", "spline") else "model"
        )
        for kind in ("rotation_deg", "position_cm"):
            expected[f"validation/{row['hide']}/{kind}/{method}"] = row[kind]
    assert figures == pytest.approx(expected, abs=1e-4)
    assert len(expected) == 2 * 5 * 2
    assert set(events.Tags()["scalars"]) == set(expected)
    for tag, value in expected.items():
        logged = events.Scalars(tag)
        assert [event.step for event in logged] == [100, 200]
        assert [event.value for event in logged] == pytest.approx([value] * 2, abs=1e-4)
    model, slerp = (
        figures[f"validation/every:5/rotation_deg/{method}"] for method in ("model", "slerp")
    )
    assert model != pytest.approx(slerp, rel=1e-3)


def test_pictures_are_in_the_event_file(watched):
    _, events = watched
    assert set(events.Tags()["images"]) == {f"samples/{spec}" for spec in SPECS}
    for spec in SPECS:
        for event in events.Images(f"samples/{spec}"):
            pixels = np.asarray(Image.open(io.BytesIO(event.encoded_image_string)))
            assert pixels.shape == (pictures.HEIGHT, pictures.WIDTH, 3)
            strip, plots = pixels[80:600], pixels[690:818]
            for part in (strip, plots):
                for name in ("model", "slerp"):
                    near = np.abs(part.astype(int) - pictures.PALETTE[name]).sum(axis=-1) < 30
                    assert near.sum() > 50, (spec, name)


def test_the_charts_hold_network_and_baselines_together(watched):
    from tensorboard.plugins.custom_scalar import layout_pb2

    _, events = watched
    tensor = events.Tensors("custom_scalars__config__")[0].tensor_proto
    layout = layout_pb2.Layout.FromString(tensor.string_val[0])
    lines = {chart.title: list(chart.multiline.tag) for chart in layout.category[0].chart}
    assert lines["every:5 position_cm"] == [
        f"validation/every:5/position_cm/{method}"
        for method in ("model", "hold", "slerp", "inertial", "spline")
    ]
    assert {tag for tags in lines.values() for tag in tags} <= set(events.Tags()["scalars"])


def test_without_a_writer_it_only_says_the_figures(watched, prepared):
    figures, _ = watched
    model = network().train()
    before = torch.get_rng_state()
    watch = Watch(prepared, model.config, clips=2, frames=30, specs=SPECS)
    assert watch(7, model) == figures
    assert model.training  # left as it was
    assert torch.equal(
        torch.get_rng_state(), before
    )  # a watched run stays the run it would have been


def test_baselines_are_computed_once(prepared, monkeypatch):
    model = network()
    watch = Watch(prepared, model.config, clips=2, frames=30, specs=SPECS)
    monkeypatch.setattr("training.engine.validation.interpolate", lambda *_: pytest.fail("again"))
    assert watch(1, model) == watch(2, model) != {}


@pytest.mark.slow
def test_motion_alone_on_another_body(tmp_path):
    write_split(tmp_path / "set" / "val", [40, 26], 3, TINY, 30.0, music=False)
    model = network("common-small", TINY, 30.0)
    watch = Watch(tmp_path / "set", model.config)
    assert watch.specs == (
        "every:15",
        "span:13-25",
    )  # the longest clip has 40 frames: a third of it
    assert len(watch.clips) == 1
    with SummaryWriter(tmp_path / "logs") as writer:
        assert set(watch(3, model, writer)) == {
            f"validation/{spec}/{kind}/{method}"
            for spec in watch.specs
            for kind in ("rotation_deg", "position_cm")
            for method in ("model", "hold", "slerp", "inertial", "spline")
        }
    events = EventAccumulator(str(tmp_path / "logs"))
    events.Reload()
    assert len(events.Tags()["images"]) == 2


def test_a_fault_in_a_picture_is_a_warning(prepared, tmp_path, monkeypatch, capsys):
    def broken(*_):
        raise OSError("cannot open\nthe font")

    monkeypatch.setattr(pictures, "sample_picture", broken)
    model = network()
    watch = Watch(prepared, model.config, clips=1, frames=30, specs=SPECS[:1])
    with SummaryWriter(tmp_path) as writer:
        assert len(watch(5, model, writer)) == 10
    assert (
        capsys.readouterr().err
        == "warning: step 5: no picture of every:5 (OSError: cannot open the font)\n"
    )
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    assert len(events.Tags()["scalars"]) == 10
    assert not events.Tags()["images"]


def test_a_network_gone_mad_does_not_end_the_run(prepared, capsys):
    model = network()
    with torch.no_grad():
        next(p for name, p in model.named_parameters() if name.startswith("head.")).fill_(
            float("nan")
        )
    watch = Watch(prepared, model.config, clips=1, frames=30, specs=SPECS[:1])
    assert watch(5, model) == {}
    assert capsys.readouterr().err.startswith("warning: step 5: validation failed (")


def test_a_set_without_a_validation_split_is_not_watched(tmp_path, capsys):
    write_split(tmp_path / "set" / "train", [40])
    model = network("common-small", TINY, 30.0)
    assert Watch(tmp_path / "set", model.config)(1, model) == {}
    assert capsys.readouterr().err.endswith("has no validation split: this run is not watched\n")


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"frames": 41}, FileError, "no clip of 41 frames"),
        ({"frames": 30, "specs": ("span:10-30",)}, SpecError, "not inside the clip's 30 frames"),
        ({"frames": 30, "specs": ("nonsense",)}, SpecError, "is not a pattern"),
    ],
)
def test_mistakes_are_said_before_training_starts(prepared, options, kind, message):
    with pytest.raises(kind, match=message):
        Watch(prepared, network().config, **options)
    with pytest.raises(ModelError, match="the network's 6"):
        Watch(prepared, network("common-small", TINY, 30.0).config, frames=30)


def test_a_gap_of_a_second():
    assert default_specs(240, 60.0) == ("every:15", "span:90-149")
    assert default_specs(240, 30.0) == ("every:15", "span:105-134")


def test_the_strip_shows_the_gap_where_interpolation_errs_most():
    hidden = np.zeros(60, dtype=bool)
    hidden[5:15] = hidden[30:50] = True
    interest = hidden * 1.0
    assert pictures.strip_frames(hidden, interest).tolist() == [29, 30, 33, 36, 40, 43, 46, 49, 50]
    interest[8] = 100
    assert pictures.strip_frames(hidden, interest).tolist()[:2] == [4, 5]
    single = np.arange(60) % 4 == 1
    assert len(pictures.strip_frames(single, single * 1.0)) == pictures.COLUMNS
    assert single[pictures.strip_frames(single, single * 1.0)].all()


def test_the_camera_turns_with_the_dancer():
    """Facing +z, the dancer's left is +x; turned by a quarter, the picture stays the same."""
    motion = smooth_motion(0, 4)
    still = np.broadcast_to(np.eye(3, dtype=np.float32), motion.rotations.shape).copy()
    quarter = np.array([[0, 0, 1], [0, 1, 0], [-1, 0, 0]], np.float32)  # +z to +x
    turned = still.copy()
    turned[:, 0] = quarter
    ahead, aside = (
        pictures.across_axis(type(motion)(SMPL24, r, motion.root_m, 60.0), 0)
        for r in (still, turned)
    )
    angle = np.deg2rad(40)
    assert ahead == pytest.approx([np.cos(angle), 0, np.sin(angle)], abs=0.12)
    assert aside == pytest.approx(quarter @ ahead, abs=1e-5)


@pytest.mark.parametrize(
    "spec", ["none", "first", "random:0.15", "span:0-9", "span:20-29", "every:3@left_arm"]
)
def test_every_pattern_can_be_drawn(spec):
    clip = Clip("clip", smooth_motion(1, 30))
    results = with_baselines(interpolate("spline", clip, masks.parse(spec, clip)))
    picture = pictures.sample_picture(results, "a title")
    assert picture.shape == (pictures.HEIGHT, pictures.WIDTH, 3)
    assert (picture[80:600] < 250).any()
