"""What is said of motions that leave what people do, and that nothing is said of those that do not."""

from dataclasses import replace

import numpy as np
import pytest

from mmm.generation.plausibility import implausible
from tests.mmm.generation.people import walker


def raised(motion, height_m):
    return replace(motion, root_m=motion.root_m + np.array([0, height_m, 0], dtype=np.float32))


def test_nothing_is_said_of_a_walk():
    assert implausible(walker(6.0), walker(2.0)) == ()


@pytest.mark.parametrize(
    ("motion", "said"),
    [
        (walker(6.0, size=0.05, speed=0.2), "as much as the seed"),
        (walker(6.0, hz=2.5, size=1.0, speed=2.0), "times as much as the seed"),
        (raised(walker(6.0), 0.3), "Both feet are in the air for 6.0 s."),
        (raised(walker(6.0), -0.1), "sinks 10 cm into the floor"),
        (raised(walker(6.0), -0.9), "The head stays low for 6.0 s."),
    ],
)
def test_what_people_do_not_do_is_said_in_words(motion, said):
    assert any(said in remark for remark in implausible(motion, walker(2.0)))


def test_a_seed_that_stands_says_nothing_of_energy():
    still = walker(2.0, size=0.0, speed=0.0)
    assert not any("as much" in remark for remark in implausible(walker(6.0), still))
