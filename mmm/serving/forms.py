"""Fields of the API's requests and responses, for validation and OpenAPI."""

from typing import Annotated, Any, Literal

from fastapi import UploadFile
from pydantic import BaseModel, ConfigDict, Field

from mmm.errors import MMMError
from mmm.spec import HELP as SPEC_HELP

MotionFormat = Literal["npz", "bvh", "pkl", "npy", "glb", "mp4", "gif", "webp", "html"]
RecoveryFormat = Literal["json", "exact", MotionFormat, "png"]
GenerationFormat = Literal["stream", "json", MotionFormat]

# NumPy takes seeds of 32 bits.
Number = Annotated[int, Field(ge=0, le=2**32 - 1)]


class FileForm(BaseModel):
    """A motion file and how it is read; the options of ``mmm convert`` but for the range."""

    # A misspelt option must not be ignored in silence.
    model_config = ConfigDict(extra="forbid")

    clip: UploadFile = Field(description="a motion file: .bvh, .amc, .npz, .pkl or .npy")
    music: UploadFile | None = Field(None, description="recording that starts with the clip")
    asf: UploadFile | None = Field(None, description="the skeleton of an .amc")
    music_start: float = Field(0.0, ge=0, description="moment of the recording, seconds")
    fps: float | None = Field(None, ge=1, le=1000, description="resample to this frame rate")
    unit: str | None = Field(None, description="unit of length, if the guess is wrong")
    up: str | None = Field(None, description="axis that points up: y or z")
    facing: str | None = Field(None, description="turn the body to face: x, -x, z or -z")
    true_fps: float | None = Field(None, description="the file's true frame rate")
    body: str | None = Field(None, description="which of several bodies of a .bvh")


class ClipForm(FileForm):
    """A range of a motion file."""

    frames: str = Field(":", description="frames A:B (B not included) at the file's own rate")


class ConvertForm(ClipForm):
    """``mmm convert``."""

    format: MotionFormat = "npz"


class RecoverForm(ClipForm):
    """``mmm recover``."""

    checkpoint: str = Field(description="a name of /v1/checkpoints, or an interpolation")
    hide: str | None = Field(None, description=f"what to hide: {SPEC_HELP}")
    hidden: UploadFile | None = Field(
        None, description="in place of hide: numpy.packbits of the hidden entries"
    )
    seed: Number = Field(0, description="random seed of random SPECs")
    role: list[str] = Field([], description="ROLE=JOINT, for joints that are not found by name")
    lock_feet: bool | None = Field(None, description="default: the checkpoint's own setting")
    noise: list[float] = Field([], description="latent noise; none gives the mean prediction")
    # "exact" is for ``mmm.connect``; export formats round numbers or leave some out.
    format: RecoveryFormat = Field("json", description="json: errors as --metrics writes them")


class GenerateForm(FileForm):
    """``mmm generate``."""

    # Not a ClipForm: here ``frames`` is the number of frames to generate.
    clip: UploadFile = Field(description="a motion file whose first frames are the seed")
    music: UploadFile | None = Field(None, description="recording to dance to")
    checkpoint: str = Field(description="a name of /v1/checkpoints")
    # "Seed" is the word of the page and of the command line.
    prefix_frames: int = Field(
        120, alias="seed_frames", ge=1, le=2**31, description="frames of the clip to continue from"
    )
    frames: int = Field(300, ge=1, le=2**31, description="number of frames to generate")
    temperature: float = Field(1.0, ge=0, le=3)
    seed: Number = Field(0, description="random seed; the same one gives the same motion")
    role: list[str] = []
    format: GenerationFormat = Field(
        "stream", description="stream: a line of JSON for each second, sent as it is generated"
    )


class ExplainForm(ClipForm):
    """``mmm intervene`` on a recovery."""

    checkpoint: str
    hide: str = Field(description=f"what is recovered: {SPEC_HELP}")
    # Each change is a recovery of its own.
    change: list[str] = Field(
        min_length=1,
        max_length=16,
        description="mute, mute:120-179, shift:-200, stretch:1.1, without:drums or without:chords",
    )
    seed: Number = 0


class Fault(BaseModel):
    """An error response."""

    error: str = Field(description="one line: where, what was found, expected, what to do")
    kind: str = "MMMError"
    source: str = ""
    problem: str = ""
    expected: str = ""
    cure: str = ""


def fault_of(error: MMMError) -> Fault:
    """An error: the line that the command line prints, and its parts."""
    return Fault(
        error=str(error),
        kind=type(error).__name__,
        source=error.source,
        problem=error.problem,
        expected=error.expected,
        cure=error.cure,
    )


class CheckpointFacts(BaseModel):
    """A checkpoint of the server."""

    name: str
    network: str
    representation: str
    fps: float
    uses_music: bool
    max_frames: int
    can_generate: bool
    noise_dim: int
    trained_masks: list[str]
    config: dict[str, Any] = Field(description="config.json, from which a client checks clips")


class Explanation(BaseModel):
    """Means over hidden entries, a row for each change of the music."""

    clip: str
    checkpoint: str
    hide: str
    seed: int
    rows: list[dict[str, Any]]


class Health(BaseModel):
    """Whether the server answers, and how busy it is."""

    status: Literal["ok"] = "ok"
    version: str
    running: int
    waiting: int
