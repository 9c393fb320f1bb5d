"""Networks on joint roles on the page, without a browser: chosen where there is no music, told what they expect."""

import pytest

from tests.dashboard.conftest import MODEL, SAMPLE

pytestmark = pytest.mark.slow

HIP, KNEE = "Bone1", "Bone4"
SHORT = {"frames": "0-100", "hide": "span:40-59+span:80-84"}


@pytest.fixture
def with_roles(page_env, roles_folder, humanoids, open_workbench, monkeypatch):
    """The page with a network on roles and files without music."""
    monkeypatch.setenv("MMM_CHECKPOINTS", str(roles_folder))
    monkeypatch.setenv("MMM_DATA", str(humanoids))
    return lambda name, **query: open_workbench(
        sequence=f"{humanoids.name}/{name}", **(SHORT | query)
    )


def role_boxes(page):
    return {box.label: box.key for box in page.app.selectbox if str(box.key).startswith("role-")}


def test_a_file_without_music_opens_with_the_network_on_roles(with_roles):
    page = with_roles("plain.bvh").recovered()
    assert page.address["method"] == "inbetween"
    assert page.app.selectbox(key="method").options[0] == "inbetween"
    assert page.panels == ["Truth", "inbetween"]
    assert page.said.count("22 of 22 joint roles were found") == 1
    assert "network, motion only, of any humanoid at any frame rate." in page.said
    assert f"Not for this clip: {MODEL}" in page.said
    assert role_boxes(page) == {}
    gaps = next(e.proto.body for e in page.app.get("html") if 'class="wb-gaps"' in e.proto.body)
    assert "frames 40–59" in gaps
    assert "frames 80–84" in gaps
    assert "estimates without seeing the hidden frames" in page.said
    header, arrays = page.fed("mmm_curves")
    assert header["series"][-1] == {"name": "expected", "role": "expected", "look": None}
    assert (arrays["series5"][40:60] > 0).all()
    assert not (arrays["series5"][60:80] >= 0).any()  # nothing is expected where nothing is hidden
    page.set("error_kind", "rotation_deg")
    assert "expected" not in [line["name"] for line in page.fed("mmm_curves")[0]["series"]]


def test_methods_that_cannot_tell_show_no_confidence(with_roles):
    page = with_roles("plain.bvh", method="slerp").recovered()
    assert not any('class="wb-gaps"' in e.proto.body for e in page.app.get("html"))
    assert "expected" not in [line["name"] for line in page.fed("mmm_curves")[0]["series"]]


def test_the_choice_made_for_the_user_follows_the_clip_but_not_their_own(with_roles, humanoids):
    page = with_roles("plain.bvh").recovered()
    page.set("sequence", SAMPLE)
    assert page.app.selectbox(key="method").value == MODEL
    assert page.app.selectbox(key="method").options[:2] == [MODEL, "inbetween"]
    page.set("method", "inbetween").set("sequence", f"{humanoids.name}/plain.bvh").set(
        "sequence", SAMPLE
    )
    assert page.app.selectbox(key="method").value == "inbetween"


def test_joints_are_named_by_hand_where_names_do_not_tell(with_roles):
    page = with_roles("nameless.bvh")
    assert page.app.selectbox(key="method").value == "spline"
    assert (
        "inbetween: no joint found for left_hip, left_knee (found: left_collar = left_collar"
        in page.said
    )
    boxes = role_boxes(page)
    assert list(boxes) == ["Left hip", "Left knee"]
    page.set(boxes["Left hip"], HIP)
    assert "no joint found for left_knee" in page.said
    page.set(boxes["Left knee"], KNEE)
    assert "no joint found" not in page.said
    assert page.app.selectbox(key="method").value == "inbetween"
    assert page.app.query_params["role"] == [f"left_hip={HIP}", f"left_knee={KNEE}"]
    page.press("recover").recovered()
    assert page.panels == ["Truth", "inbetween"]
    page.set(boxes["Left knee"], HIP)  # one joint in two roles
    assert "named for two roles" in page.said
    assert page.app.selectbox(key="method").value == "spline"


def test_named_joints_are_in_the_link(with_roles):
    page = with_roles("nameless.bvh", role=[f"left_hip={HIP}", f"left_knee={KNEE}"]).recovered()
    assert page.panels == ["Truth", "inbetween"]
    assert page.app.query_params["role"] == [f"left_hip={HIP}", f"left_knee={KNEE}"]
    page.set("method", "slerp")
    assert "role" not in page.app.query_params
