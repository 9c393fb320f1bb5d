"""Generating behind the page: frames come piece by piece, cancelling keeps them."""

import threading
from dataclasses import replace

import numpy as np
import pytest

import mmm.generation.generate
from dashboard.work import generations
from dashboard.work.generations import Ask, Setting
from mmm import Clip
from tests.dashboard.futures import CHANCE
from tests.mmm.making import smooth_motion

CLIP = Clip("made", smooth_motion(5, 90, fps=30.0))
ASK = Ask(Setting("made", 60, "silence"), 90, CHANCE, 1)


@pytest.fixture
def networked(networks, page_env, monkeypatch):
    monkeypatch.setenv("MMM_CHECKPOINTS", str(networks))


@pytest.fixture
def gate(networked, monkeypatch):
    """A generation that waits for a permit before each part but the first."""
    permits, real = threading.Semaphore(1), mmm.generation.generate.generate

    def waiting(*args, **settings):
        for chunk in real(*args, **settings):
            assert permits.acquire(timeout=60)
            yield chunk

    monkeypatch.setattr(mmm.generation.generate, "generate", waiting)
    yield permits
    for _ in range(50):
        permits.release()


def finished(stream):
    assert stream.wait(60), stream.stage
    assert not stream.error
    return stream.results


def test_frames_can_be_had_while_further_ones_are_made(gate):
    stream = generations.start(ASK, CLIP, None)
    assert stream.wait_for_first(60)
    assert stream.running
    assert stream.ready == 90  # two seconds of seed, one made
    early = stream.panel()
    np.testing.assert_allclose(early.positions[:60], CLIP.motion.positions()[:60], atol=1e-5)
    for _ in range(5):
        gate.release()
    made = finished(stream)
    assert len(made.generation.clip) == stream.ready == 150
    np.testing.assert_array_equal(stream.panel().positions[:90], early.positions)
    np.testing.assert_allclose(
        stream.panel().positions, made.generation.clip.motion.positions(), atol=1e-5
    )
    assert generations.kept().get(ASK) is made
    assert len(made.generation.truth) == 90


def test_cancelling_keeps_what_was_made_under_its_own_length(gate):
    stream = generations.start(replace(ASK, frames=300), CLIP, None)
    assert stream.wait_for_first(60)
    stream.cancel()
    gate.release()
    made = finished(stream)
    assert stream.cancelled
    assert 30 <= made.ask.frames < 300
    assert len(made.generation.clip) == 60 + made.ask.frames
    assert generations.kept().get(replace(ASK, frames=300)) is None
    assert generations.kept().get(made.ask) is made


def test_cancelled_before_the_first_frame_there_is_nothing(networked, monkeypatch):
    go_on, real = threading.Event(), generations.loaded_models().get
    monkeypatch.setattr(
        generations.loaded_models(), "get", lambda name: go_on.wait(60) and real(name)
    )
    stream = generations.start(ASK, CLIP, None)
    stream.cancel()
    go_on.set()
    assert stream.wait(60)
    assert stream.error == "Cancelled. Press Generate to start again."
    assert stream.panel() is None


@pytest.mark.slow
def test_the_same_number_gives_the_same_dance_another_one_another(networked):
    first, again, other, calm = (
        finished(
            generations.start(replace(ASK, **change), CLIP, None)
        ).generation.clip.motion.rotations
        for change in ({}, {}, {"seed": 1}, {"temperature": 0.0})
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-3
    assert np.abs(first - calm).max() > 1e-3


def test_a_network_that_is_not_there_is_one_line(networked):
    stream = generations.start(replace(ASK, method="nobody"), CLIP, None)
    assert stream.wait(60)
    assert stream.error.startswith("nobody: no checkpoint")


def test_a_generation_is_kept_with_the_size_of_its_motion(networked):
    made = finished(generations.start(ASK, CLIP, None))
    assert generations.kept().get(made.ask) is made
    assert generations.kept()._total() == made.generation.clip.motion.rotations.nbytes


def test_labels_tell_variants_apart():
    assert ASK.label == f"{CHANCE}, seed 0"
    assert replace(ASK, temperature=1.5, seed=3).label == f"{CHANCE}, seed 3, temperature 1.5"
    assert replace(ASK, is_random=False).label == CHANCE
    assert replace(ASK, frames=5).dance == ASK.dance != replace(ASK, seed=1).dance
