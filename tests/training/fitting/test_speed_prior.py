"""The law of liveliness, found in made motion that follows one."""

import numpy as np
import pytest

from mmm.models import make_config, make_model
from mmm.motion.clip import Clip, Motion
from training.fitting.priors import fit_speed_prior

SIZES = {"hidden_size": 32, "num_attention_heads": 4, "intermediate_size": 64, "encoder_layers": 1}
LEVEL, PULL, SPREAD = -0.2, 0.6, 0.3


def network(**changes):
    return make_model(make_config("inbetween", horizon_s=[0.8, 0.8, 0.8], **SIZES, **changes))


class Made:
    """As much of a prepared split as is looked at: bodies that slide along, each second at another speed."""

    lengths = np.array([300])

    def __init__(self, pull: float) -> None:
        self.pull = pull

    def cut_clips(self, count, frames, skeleton, fps):
        rng, clips = np.random.default_rng(3), []
        for _ in range(count):
            logs = [rng.normal(LEVEL / (1 - self.pull), SPREAD)]
            while len(logs) < 13:
                logs.append(LEVEL + self.pull * logs[-1] + SPREAD * rng.standard_normal())
            steps = np.exp(np.repeat(logs, 24))[:frames] / fps
            root = np.zeros((frames, 3), dtype=np.float32)
            root[:, 0] = np.cumsum(steps)
            rotations = np.broadcast_to(np.eye(3, dtype=np.float32), (frames, len(skeleton), 3, 3))
            clips.append(Clip("x", Motion(skeleton, rotations, root, fps)))
        return clips


@pytest.mark.slow
@pytest.mark.parametrize("pull", [0.0, PULL])
def test_the_law_is_found(pull):
    found = fit_speed_prior(Made(pull), network(noise_dim=4))
    assert found == pytest.approx([LEVEL, pull, SPREAD], abs=0.05)


def test_networks_without_chance_have_none():
    assert fit_speed_prior(Made(PULL), network()) is None
