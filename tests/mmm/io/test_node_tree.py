"""Bodies are found in scenes of any shape in linear time."""

import pytest

from mmm.errors import FileError
from mmm.io.nodes.tree import NodeTree, choose_body

MANY = 20_000
CHAIN = [-1, *range(MANY - 1)]


# What is quadratic takes minutes here, and runs into the limit.
@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    ("parents", "joints", "size"),
    [
        pytest.param([-1] * MANY, frozenset(), 1, id="as many bodies as nodes"),
        pytest.param(
            [*CHAIN, *[MANY - 1] * MANY], frozenset(range(MANY, 2 * MANY)), 1, id="groups above"
        ),
        pytest.param(
            [*CHAIN, *[MANY - 1] * MANY],
            frozenset([0, *range(MANY, 2 * MANY)]),
            2 * MANY,
            id="groups between joints",
        ),
    ],
)
def test_large_scenes_of_one_name(parents, joints, size):
    body = choose_body(NodeTree(("a",) * len(parents), tuple(parents), joints), None, "scene")
    assert len(body.nodes) == size
    assert len(set(body.names)) == size
    assert body.names[:2] == ("a", "a_2")[:size]


def test_groups_between_joints_are_joints_and_those_above_are_not():
    names = ("scene", "hips", "group", "knee", "prop")
    tree = NodeTree(names, (-1, 0, 1, 2, 0), frozenset([1, 3, 4]))
    body = choose_body(tree, None, "scene")
    assert body.names == ("hips", "group", "knee")
    assert body.parents == (-1, 0, 1)


def test_a_scene_without_nodes_is_refused():
    with pytest.raises(FileError, match="no joints"):
        choose_body(NodeTree((), (), frozenset()), None, "scene")
