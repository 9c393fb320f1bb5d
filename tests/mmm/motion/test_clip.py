from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation, Slerp

from mmm.errors import SpecError
from mmm.motion.clip import Audio, Clip, Motion, Music
from mmm.motion.skeleton import SMPL24, Skeleton
from tests.mmm.making import TINY, random_rotations, smooth_motion, wild_motion

TIPPED = replace(
    TINY, end_sites=((2, (0.1, 0.0, 0.0)), (4, (0.0, -0.1, 0.2)), (5, (0.0, -0.1, 0.2)))
)


def music_of(frames: int, fps: float = 30.0, rate_hz: int = 3000) -> Music:
    """Each row and each sample tells where it stands."""
    features = np.repeat(np.arange(frames, dtype=np.float32)[:, None], 35, axis=1)
    samples = np.arange(round(frames / fps * rate_hz), dtype=np.float32)[:, None]
    return Music(features, fps, np.arange(0, frames, 5), 120.0, Audio(samples, rate_hz))


class TestMotion:
    def test_what_is_no_motion(self):
        good = wild_motion()
        for change in (
            {"rotations": good.rotations[:5]},
            {"root_m": good.root_m[:, :2]},
            {"fps": 0.0},
            {"rotations": good.rotations[:, :3]},
            {"root_m": good.root_m * np.nan},
            {"rotations": good.rotations[:0], "root_m": good.root_m[:0]},
        ):
            with pytest.raises((ValueError, TypeError)):
                replace(good, **change)

    def test_float32_and_length(self):
        motion = Motion(TINY, random_rotations(0, 9, 6).astype(np.float64), np.zeros((9, 3)), 30.0)
        assert (
            motion.rotations.dtype == motion.root_m.dtype == motion.positions().dtype == np.float32
        )
        assert len(motion) == 9
        assert motion.duration_s == pytest.approx(0.3)

    def test_crop(self):
        motion = wild_motion(1, 20)
        part = motion.crop(3, 9)
        np.testing.assert_array_equal(part.rotations, motion.rotations[3:9])
        np.testing.assert_array_equal(part.root_m, motion.root_m[3:9])
        np.testing.assert_array_equal(part.positions(), motion.positions()[3:9])

    @pytest.mark.parametrize(("start", "stop"), [(-1, 5), (5, 5), (6, 5), (0, 21), (20, 21)])
    def test_crop_outside(self, start, stop):
        with pytest.raises(
            SpecError,
            match=rf"frames {start}:{stop}: the motion has 20 frames; expected 0 <= start",
        ):
            wild_motion(1, 20).crop(start, stop)

    def test_resample_to_its_own_rate_is_itself(self):
        motion = wild_motion()
        assert motion.resample(motion.fps) is motion

    @settings(max_examples=25, deadline=None)
    @given(fps=st.sampled_from([12.0, 24.0, 25.0, 29.97, 60.0, 120.0]), frames=st.integers(1, 40))
    def test_resample_oracle(self, fps, frames):
        motion = smooth_motion(2, frames, TINY, 30.0)
        found = motion.resample(fps)
        assert found.fps == fps
        times = np.arange(len(found)) / fps
        last = (frames - 1) / 30.0
        assert times[-1] <= last + 1e-4
        assert last - times[-1] < 1 / fps + 1e-4  # nothing but a fraction of a frame is dropped
        if frames == 1:
            return
        times = np.minimum(times, last)
        for j in range(len(TINY)):
            keys = Rotation.from_matrix(motion.rotations[:, j])
            expected = Slerp(np.arange(frames) / 30.0, keys)(times).as_matrix()
            np.testing.assert_allclose(found.rotations[:, j], expected, atol=1e-4)
        for axis in range(3):
            expected = np.interp(times, np.arange(frames) / 30.0, motion.root_m[:, axis])
            np.testing.assert_allclose(found.root_m[:, axis], expected, atol=1e-4)

    def test_every_other_frame_and_back(self):
        motion = smooth_motion(1, 61)
        half = motion.resample(30.0)
        np.testing.assert_allclose(half.rotations, motion.rotations[::2], atol=1e-5)
        twice = half.resample(60.0)
        np.testing.assert_allclose(twice.rotations[::2], motion.rotations[::2], atol=1e-5)
        assert len(twice) == 61

    @given(seed=st.integers(0, 10_000))
    def test_mirror_twice_is_the_same_to_the_bit(self, seed):
        motion = wild_motion(seed, 5, TIPPED)
        twice = motion.mirror().mirror()
        assert twice.digest() == motion.digest()
        assert twice.skeleton.end_sites == motion.skeleton.end_sites

    @pytest.mark.parametrize("skeleton", [TINY, SMPL24], ids=["tiny", "smpl"])
    def test_mirror_turns_left_into_right(self, skeleton):
        motion = wild_motion(3, 4, skeleton)
        mirrored = motion.mirror()
        flip = np.array([-1, 1, 1])
        for j, name in enumerate(skeleton.names):
            swapped = (
                {
                    "l": name.replace("left", "right").replace("Left", "Right"),
                    "r": name.replace("right", "left").replace("Right", "Left"),
                }[name[0].lower()]
                if name.lower().startswith(("left", "right"))
                else name
            )
            k = skeleton.names.index(swapped)
            np.testing.assert_allclose(
                mirrored.positions()[:, k], motion.positions()[:, j] * flip, atol=1e-5
            )
        np.testing.assert_allclose(np.linalg.det(mirrored.rotations), 1, atol=1e-4)

    def test_tips_are_mirrored_too(self):
        motion = wild_motion(3, 4, TIPPED)
        expected = motion.tip_positions() * np.array([-1, 1, 1])
        np.testing.assert_allclose(motion.mirror().tip_positions(), expected, atol=1e-5)

    def test_mirror_of_one_sided_numbers(self):
        skeleton = Skeleton(
            ("root", "LeftShoulder1", "LeftArm", "RightShoulder", "RightArm"),
            (-1, 0, 1, 0, 3),
            np.random.default_rng(0).normal(size=(5, 3)),
        )
        motion = wild_motion(3, 4, skeleton)
        there = motion.mirror().positions()[:, [0, 3, 4, 1, 2]]
        np.testing.assert_allclose(there, motion.positions() * np.array([-1, 1, 1]), atol=1e-5)

    def test_tips(self):
        motion = wild_motion(1, 3, TIPPED)
        tips = motion.tip_positions()
        assert tips.shape == (3, 3, 3)
        for t in range(3):
            for e, (joint, offset) in enumerate(TIPPED.end_sites):
                expected = motion.positions()[t, joint] + motion.world_rotations()[
                    t, joint
                ] @ np.array(offset)
                np.testing.assert_allclose(tips[t, e], expected, atol=1e-5)
        assert wild_motion(1, 3).tip_positions().shape == (3, 0, 3)

    def test_floor(self):
        eye = np.broadcast_to(np.eye(3), (100, 6, 3, 3))
        root_m = np.zeros((100, 3))
        root_m[:, 1] = 1
        root_m[3, 1] = -5  # one frame of noise does not move the floor
        assert Motion(TINY, eye, root_m, 30.0).floor_m() == pytest.approx(0.1, abs=1e-6)
        assert Motion(TIPPED, eye, root_m, 30.0).floor_m() == pytest.approx(0.0, abs=1e-6)
        footless = Skeleton(("root", "tip"), (-1, 0), np.array([[0, 0, 0], [0, -0.5, 0]]))
        assert Motion(footless, eye[:, :2], root_m, 30.0).floor_m() == pytest.approx(0.5)

    def test_digest_tells_everything_apart(self):
        motion = wild_motion(1, 5, TIPPED)
        rotations, root_m = motion.rotations.copy(), motion.root_m.copy()
        rotations[4, 5, 2, 2] += 1e-6
        root_m[0, 0] += 1e-6
        bones = TIPPED.offsets_m.copy()
        bones[1, 1] += 1e-6
        others = [
            replace(motion, rotations=rotations),
            replace(motion, root_m=root_m),
            replace(motion, fps=31.0),
            replace(motion, skeleton=replace(TIPPED, offsets_m=bones)),
            replace(motion, skeleton=replace(TIPPED, names=tuple("abcdef"))),
            replace(motion, skeleton=replace(TIPPED, parents=(-1, 0, 1, 1, 0, 1))),
            replace(motion, skeleton=replace(TIPPED, end_sites=())),
        ]
        assert len({motion.digest(), *(other.digest() for other in others)}) == 8
        assert replace(motion, root_m=motion.root_m.copy()).digest() == motion.digest()
        assert len(motion.digest()) == 32


class TestSound:
    def test_crop(self):
        audio = Audio(np.arange(20, dtype=np.float32).reshape(10, 2), 10)
        assert audio.duration_s == 1
        np.testing.assert_array_equal(audio.crop_s(0.2, 0.5).samples, audio.samples[2:5])
        longer = audio.crop_s(0.8, 1.5)
        np.testing.assert_array_equal(longer.samples[:2], audio.samples[8:])
        np.testing.assert_array_equal(longer.samples[2:], np.zeros((5, 2)))
        assert audio.crop_s(3.0, 4.0).samples.shape == (10, 2)


class TestMusicAndClip:
    def test_crop_keeps_features_beats_and_sound_together(self):
        part = music_of(60).crop(12, 32)
        assert part.features[:, 0].tolist() == list(range(12, 32))
        assert part.beats.tolist() == [3, 8, 13, 18]
        assert part.audio is not None
        assert part.audio.samples[0, 0] == 1200  # 12 frames of 100 samples
        assert len(part.audio.samples) == 2000
        assert len(part) == 20

    def test_clip_crops_both(self):
        clip = Clip("both", wild_motion(1, 60), music_of(60)).crop(10, 20)
        assert len(clip) == len(clip.motion) == 10
        assert clip.music is not None
        assert clip.music.features[0, 0] == 10

    def test_music_must_fit(self):
        with pytest.raises(
            ValueError, match=r"both: 59 music frames at 30\.0 fps, 60 motion frames at 30\.0 fps"
        ):
            Clip("both", wild_motion(1, 60), music_of(59))
        with pytest.raises(ValueError, match=r"at 60\.0 fps"):
            Clip("both", wild_motion(1, 60), music_of(60, 60.0))

    def test_digests(self):
        motion, music = wild_motion(1, 60), music_of(60)
        louder = replace(music, audio=Audio(music.audio.samples * 2, music.audio.rate_hz))
        digests = {
            Clip("a", motion).digest(),
            Clip("a", motion, music).digest(),
            Clip("a", motion, louder).digest(),
            Clip("a", motion, replace(music, beats=music.beats[1:])).digest(),
            Clip("a", motion.crop(0, 59)).digest(),
        }
        assert len(digests) == 5
        assert (
            Clip("a", motion, music).digest()
            == Clip("b", motion, music, source="elsewhere").digest()
        )


def test_what_a_console_shows_is_one_short_line():
    import mmm

    still = np.tile(np.eye(3, dtype=np.float32), (5, 24, 1, 1))
    clip = Clip("walk", Motion(mmm.SMPL24, still, np.zeros((5, 3), np.float32), 30.0))
    mask = mmm.masks.first(clip)
    for thing in (
        clip,
        clip.motion,
        clip.motion.skeleton,
        mask,
        mmm.interpolate("hold", clip, mask),
    ):
        assert len(repr(thing)) < 120
        assert "\n" not in repr(thing)
    assert "5 frames at 30 fps" in repr(clip)
