"""The API against its own description: requests made up by schemathesis find no fault of the server."""

import os
from pathlib import Path

import pytest

schemathesis = pytest.importorskip("schemathesis", reason="needs pip install schemathesis")
pytest.importorskip("fastapi", reason="needs pip install .[serve]")

from hypothesis import HealthCheck, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from starlette.testclient import TestClient  # noqa: E402

from mmm.serving.api import build_app  # noqa: E402
from mmm.serving.limits import Limits  # noqa: E402

pytestmark = [
    pytest.mark.slow,
    # Its own deprecations.
    pytest.mark.filterwarnings("ignore"),
]
# Set for a longer search by hand.
EXAMPLES = int(os.environ.get("SCHEMA_EXAMPLES", "20"))
OPTIONS = ("unit", "up", "facing", "body", "role", "frames", "true_fps", "fps", "noise", "music")
FILES = ("clip", "music", "asf", "hidden")
# Made-up names and files get no further than the first check, so most requests have real ones.
REAL = {"checkpoint": ("tiny-ecm", "slerp"), "hide": ("span:20-30", "every:5")}
REAL_OF = {
    "recover": REAL,
    "convert": {"frames": (":", "0:20")},
    "generate": {"checkpoint": ("tiny-ecm",), "seed_frames": (20,), "frames": (9, 40)},
    "explain": {**REAL, "change": (["mute"], ["shift:200"])},
}


@pytest.fixture(scope="module")
def app(tiny_checkpoint):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MMM_CHECKPOINTS", str(tiny_checkpoint.parent))
        # Short: made-up numbers of frames are large.
        yield build_app(Limits(workers=2, seconds=10.0, frames=200))


@pytest.fixture(scope="module")
def description(app):
    return schemathesis.openapi.from_asgi("/openapi.json", app)


@pytest.fixture(scope="module")
def client(app):
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def check(answer):
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        line = answer.json()["error"]
        assert line
        assert "\n" not in line
    return answer.status_code


@pytest.mark.parametrize(
    "operation",
    [
        "POST /v1/recover",
        "POST /v1/generate",
        "POST /v1/convert",
        "POST /v1/explain",
        "GET /v1/checkpoints",
        "GET /v1/health",
        "GET /metrics",
    ],
)
def test_no_request_is_a_fault_of_the_server(description, operation):
    method, path = operation.split()

    @given(case=description[path][method].as_strategy())
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    def ask(case):
        check(case.call())

    ask()


@pytest.mark.parametrize("path", list(REAL_OF))
def test_made_up_options_of_a_real_clip_are_no_fault(description, client, tiny_clip_file, path):
    """Schemathesis sends files as fields without a name, so these requests are put together here."""
    clip, seen = Path(tiny_clip_file).read_bytes(), set()
    values = {key: st.sampled_from(values) for key, values in REAL_OF[path].items()}

    @given(
        case=description[f"/v1/{path}"]["POST"].as_strategy(),
        real=st.fixed_dictionaries({}, optional=values) | st.fixed_dictionaries(values),
        made_up=st.booleans(),
        has_clip=st.integers(0, 4),
        left_out=st.sets(st.sampled_from(OPTIONS)),
    )
    @settings(max_examples=4 * EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    def ask(case, real, made_up, has_clip, left_out):
        body = case.body if made_up and isinstance(case.body, dict) else {}
        fields = {
            key: value for key, value in body.items() if value is not None and key not in left_out
        }
        fields |= real
        files = {key: (f"{key}.npz", bytes_of(fields.pop(key))) for key in FILES if key in fields}
        if has_clip:
            files["clip"] = ("clip.npz", clip)
        seen.add(check(client.post(f"/v1/{path}", data=texts(fields), files=files)))

    ask()
    # Otherwise nothing got as far as the library.
    assert 200 in seen


def bytes_of(value):
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


def texts(fields):
    """The values of a form: lists are fields that repeat."""
    return {
        key: [str(item) for item in value] if isinstance(value, list) else str(value)
        for key, value in fields.items()
    }


def test_every_operation_is_asked(description):
    (marks,) = test_no_request_is_a_fault_of_the_server.pytestmark
    labels = {operation.ok().label for operation in description.get_all_operations()}
    assert labels == set(marks.args[1])
