"""Joint roles named by hand."""

from dataclasses import replace

import pytest

from mmm.errors import SpecError
from mmm.motion.humanoid import match_roles
from mmm.motion.roles import missing_roles, parse_roles
from tests.mmm.making import TINY
from tests.mmm.role_names import TREES, tree


def without(skeleton, *lost):
    """The skeleton with names that tell nothing for these joints."""
    return replace(
        skeleton,
        names=tuple(f"Bone{j}" if name in lost else name for j, name in enumerate(skeleton.names)),
    )


def test_words_as_on_the_command_line():
    assert parse_roles(["left_hip=LThigh", " right_hip = Bip01 R Thigh "]) == {
        "left_hip": "LThigh",
        "right_hip": "Bip01 R Thigh",
    }
    assert parse_roles(["head=a=b", "head=a=b"]) == {"head": "a=b"}
    assert parse_roles([]) == {}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["left_hip"], "role 'left_hip': not a role and a joint; expected ROLE=JOINT"),
        (["left_hip="], "not a role and a joint"),
        (
            ["tail=Bone"],
            "role 'tail=Bone': no role 'tail'; expected ROLE=JOINT with ROLE one of pelvis, spine1",
        ),
        (["neck=a", "neck=b"], "role 'neck=b': neck is already a; expected one joint per role"),
    ],
)
def test_words_that_name_nothing(words, message):
    with pytest.raises(SpecError) as caught:
        parse_roles(words)
    assert message in str(caught.value)


@pytest.mark.parametrize("name", TREES)
def test_names_that_tell_need_no_help(name):
    assert missing_roles(tree(name)) == ()


def test_what_is_missing_until_it_is_named():
    skeleton = without(tree("lafan1"), "LeftUpLeg", "RightLeg")
    assert missing_roles(skeleton) == ("left_hip", "right_knee")
    named = {"left_hip": skeleton.names[tree("lafan1").names.index("LeftUpLeg")]}
    assert missing_roles(skeleton, named) == ("right_knee",)
    assert missing_roles(skeleton, {"left_hip": "of another skeleton"}) == (
        "left_hip",
        "right_knee",
    )
    named["right_knee"] = skeleton.names[tree("lafan1").names.index("RightLeg")]
    assert missing_roles(skeleton, named) == ()
    assert (
        match_roles(skeleton, named).joint_names
        == match_roles(skeleton, match_roles(skeleton, named).joint_names).joint_names
    )


def test_a_pelvis_is_asked_for_only_where_the_hips_are_there():
    assert "pelvis" not in missing_roles(TINY)
    assert {"left_hip", "right_hip"} <= set(missing_roles(TINY))
