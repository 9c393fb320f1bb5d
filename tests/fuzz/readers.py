"""What is fuzzed: for each reader its seeds, and a call that may only raise ``MMMError``."""

import base64
import functools
import importlib.util
import io
import json
import pickle
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from mmm.checkpoints import list_checkpoints
from mmm.edits import apply
from mmm.errors import MMMError
from mmm.evaluation.measurements import KINDS, Measurement, ResultsFile
from mmm.io import load_clip, save_clip
from mmm.io.body import parse_unit
from mmm.io.files import LARGEST_UPLOAD
from mmm.motion.clip import Audio, Clip
from mmm.motion.facing import parse_facing
from mmm.music.audio import encode_ogg, encode_wav, read_audio
from tests.mmm.io.bodies import body
from tests.mmm.io.fbx_scene import ascii_fbx, walker
from tests.mmm.making import TINY, clip_of, smooth_motion

ASF = """:version 1.10
:units
  mass 1.0
  length 0.45
  angle deg
:root
  order TX TY TZ RX RY RZ
  axis XYZ
  position 0 0 0
  orientation 0 0 0
:bonedata
  begin
    name spine
    direction 0 1 0
    length 12
    axis 0 0 30 XYZ
    dof rx ry rz
  end
  begin
    name lfemur
    direction 0.3 -1 0
    length 8
    axis 0 0 0 ZYX
    dof rx
  end
:hierarchy
  begin
    root spine lfemur
  end
"""
AMC = ":FULLY-SPECIFIED\n:DEGREES\n" + "".join(
    f"{t}\nroot 0 17 {t} 0 {t} 0\nspine {t} 2 3\nlfemur 5\n" for t in range(1, 5)
)


@dataclass(frozen=True)
class Reader:
    """One reader."""

    seeds: Callable[[], list[bytes]]
    run: Callable[[bytes, Path], None]
    """Reads an input; the folder is empty, and for the run alone."""


def _file(name: str) -> Callable[[bytes, Path], None]:
    def run(data: bytes, folder: Path) -> None:
        path = folder / name
        path.write_bytes(data)
        load_clip(path, largest=LARGEST_UPLOAD)

    return run


def _amc(data: bytes, folder: Path) -> None:
    (folder / "a.asf").write_text(ASF)
    _file("a.amc")(data, folder)


def _asf(data: bytes, folder: Path) -> None:
    (folder / "a.asf").write_bytes(data)
    _file("a.amc")(AMC.encode(), folder)


def _written(clip: Clip, suffix: str) -> bytes:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        save_clip(clip, Path(folder) / f"a{suffix}")
        return (Path(folder) / f"a{suffix}").read_bytes()


def _npz_seeds() -> list[bytes]:
    packed = _written(clip_of(3), ".npz")
    with np.load(io.BytesIO(packed)) as stored:
        plain = io.BytesIO()
        np.savez(plain, **stored)  # not compressed, so that mutations reach the values
    return [packed, plain.getvalue(), plain.getvalue()]


def _smpl_seeds() -> list[bytes]:
    packed = io.BytesIO()
    np.savez(
        packed, poses=np.ones((2, 156)), trans=np.ones((2, 3)), mocap_framerate=60.0, gender="f"
    )
    return [packed.getvalue()]


def _npy_seeds() -> list[bytes]:
    seeds = []
    for values in (smooth_motion(0, 3).positions()[:, :22], np.ones((3, 263), np.float32)):
        packed = io.BytesIO()
        np.save(packed, values)
        seeds.append(packed.getvalue())
    return seeds


def _glb_seeds() -> list[bytes]:
    return [_written(clip_of(3), ".glb"), _written(clip_of(2, TINY), ".glb")]


def _gltf_seeds() -> list[bytes]:
    """A text document, in which mutations reach every number and index."""
    data = _written(clip_of(3, TINY), ".glb")
    length = int.from_bytes(data[12:16], "little")
    content = json.loads(data[20 : 20 + length])
    packed = base64.b64encode(data[28 + length :]).decode()
    content["buffers"][0]["uri"] = f"data:application/octet-stream;base64,{packed}"
    # The mesh takes most of the text, and no reader looks at it.
    return [json.dumps(content).encode(), json.dumps(content, indent=1).encode()]


def _fbx_seeds() -> list[bytes]:
    return [ascii_fbx(walker(takes=2, frames=3), ("Idle", "Walk")).encode()]


def _pickle_seeds() -> list[bytes]:
    content = {
        "smpl_poses": np.zeros((3, 72), np.float32),
        "smpl_trans": np.ones((3, 3), np.float32),
        "smpl_scaling": np.array([90.0]),
        "smpl_loss": 1.5,
    }
    lacking = {key: content[key] for key in ("smpl_poses", "smpl_trans")}
    return [pickle.dumps(value, p) for value in (content, lacking) for p in (0, 2, 4, 5)]


def _tone() -> Audio:
    return Audio(np.sin(np.arange(4_000) / 5).astype(np.float32)[:, None] * 0.5, 8_000)


def _audio_seeds() -> list[bytes]:
    import soundfile

    flac, floats = io.BytesIO(), io.BytesIO()
    soundfile.write(flac, _tone().samples, 8_000, format="FLAC")
    soundfile.write(floats, _tone().samples, 8_000, format="WAV", subtype="FLOAT")
    return [encode_wav(_tone()), encode_ogg(_tone()), flac.getvalue(), floats.getvalue()]


def _audio(data: bytes, folder: Path) -> None:
    (folder / "a.wav").write_bytes(data)
    audio = read_audio(folder / "a.wav")
    assert np.abs(audio.samples).max() < 1e3


def _checkpoint(data: bytes, folder: Path) -> None:
    """The input is a configuration, metrics and a card, in this order."""
    config, _, rest = data.partition(b"\n---\n")
    metrics, _, card = rest.partition(b"\n---\n")
    checkpoint = folder / "net"
    checkpoint.mkdir()
    for name, part in (("config.json", config), ("metrics.json", metrics), ("README.md", card)):
        (checkpoint / name).write_bytes(part)
    list_checkpoints(folder)


def _checkpoint_seeds() -> list[bytes]:
    folders = sorted((Path(__file__).parents[2] / "checkpoints").glob("*/config.json"))[:3]
    return [
        b"\n---\n".join(
            (config.parent / name).read_bytes()
            for name in ("config.json", "metrics.json", "README.md")
        )
        for config in folders
    ]


def _leaderboard(data: bytes, folder: Path) -> None:
    (folder / "measurements.jsonl").write_bytes(data)
    ResultsFile(folder).read()


def _leaderboard_seeds() -> list[bytes]:
    sums, counts = dict.fromkeys(KINDS, 1.5), dict.fromkeys(KINDS, 7)
    one = Measurement("slerp", "", "walk", "ab12", "every:8", 0, 90, 70, sums, counts, 0.25)
    line = json.dumps(asdict(one)).encode() + b"\n"
    return [line, line * 3]


@functools.cache
def _clip() -> Clip:
    return Clip("a", smooth_motion(0, 40))


SPECS = (
    b"every:8", b"span:5-20", b"random:0.3", b"keep:2:5", b"frames:1,4,9-12", b"every:8+joints:left_arm",
    b"span:5-20+pose:7=3", b"first+retime:10-20=15", b"none", b"span:3-9+without:legs", b"last:10",
)  # fmt: skip


def _spec(data: bytes, _: Path) -> None:
    apply(data.decode("utf-8", "replace"), _clip())


def _address(data: bytes, _: Path) -> None:
    """The texts of an address, one a line: each as what any parameter may be."""
    from dashboard.common.url import pick_from, with_plus

    for line in data.decode("utf-8", "replace").split("\n"):
        for read in (
            lambda text: apply(with_plus(text), _clip()),
            parse_unit,
            parse_facing,
            lambda text: pick_from(text, ("slerp", "hold")),
        ):
            try:
                read(line)
            except MMMError as error:
                assert "\n" not in str(error)  # noqa: PT017


READERS: dict[str, Reader] = {
    "bvh": Reader(
        lambda: [
            body(frames=3).encode(),
            body(frames=2, z_up=True, positions=lambda name, offset: offset).encode(),
            body(names={"Head": "頭", "Hips": "センター"}).encode("cp932"),
            _written(clip_of(3, TINY), ".bvh"),
        ],
        _file("a.bvh"),
    ),
    "amc": Reader(lambda: [AMC.encode()], _amc),
    "asf": Reader(lambda: [ASF.encode()], _asf),
    "pkl": Reader(_pickle_seeds, _file("a.pkl")),
    "npz": Reader(_npz_seeds, _file("a.npz")),
    "smpl": Reader(_smpl_seeds, _file("a.npz")),
    "npy": Reader(_npy_seeds, _file("a.npy")),
    "glb": Reader(_glb_seeds, _file("a.glb")),
    "gltf": Reader(_gltf_seeds, _file("a.gltf")),
    "audio": Reader(_audio_seeds, _audio),
    "checkpoint": Reader(_checkpoint_seeds, _checkpoint),
    "leaderboard": Reader(_leaderboard_seeds, _leaderboard),
    "spec": Reader(lambda: list(SPECS), _spec),
    "address": Reader(lambda: [*SPECS, b"cm", b"-x", b"slerp,hold", b"0.3"], _address),
}
"""By name."""
if importlib.util.find_spec("ufbx") is not None:
    READERS["fbx"] = Reader(_fbx_seeds, _file("a.fbx"))
