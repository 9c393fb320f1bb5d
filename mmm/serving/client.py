"""``mmm.connect``: the library's functions, computed by a server of ``mmm serve``.

It needs no package beyond those of the library. Requests change nothing on the server, so requests
that fail for a dead connection or a broken server are sent again.
"""

import json
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmm.errors import ModelError, SpecError
from mmm.masks import Mask
from mmm.motion.clip import Clip, Motion, Music
from mmm.motion.skeleton import Skeleton
from mmm.serving import answers, exchange
from mmm.serving.transport import FIRST_PAUSE_S, TRIES, Fields, Files, Transport, error_of

if TYPE_CHECKING:
    from mmm.generation.result import Chunk, Generation
    from mmm.models import MaskedMotionConfig
    from mmm.recovery.result import RecoveryResult


@dataclass
class RemoteModel:
    """A network of the server, for the methods of :class:`Server`."""

    name_or_path: str
    facts: Mapping[str, Any]
    """Its entry in ``GET /v1/checkpoints``."""

    @cached_property
    def config(self) -> "MaskedMotionConfig":
        """Its full configuration; reading it imports torch."""
        from mmm.checkpoints.config import read_config

        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "config.json").write_text(json.dumps(self.facts["config"]))
            return read_config(Path(folder))


class Server:
    """A connection; see :func:`connect`."""

    def __init__(self, url: str, api_key: str | None, timeout_s: float) -> None:
        if not url.startswith(("http://", "https://")):
            raise SpecError(url, "no address of a server", "http://HOST:PORT", "give its address")
        self.url = url.rstrip("/")
        headers = {} if api_key is None else {"Authorization": f"Bearer {api_key}"}
        self._http = Transport(self.url, headers, timeout_s)

    def __repr__(self) -> str:
        return f"Server({self.url!r})"

    def health(self) -> dict[str, Any]:
        """Version of the server, and its numbers of running and waiting requests."""
        return dict(json.loads(self._http.get("/v1/health")))

    def list_checkpoints(self) -> list[RemoteModel]:
        """The checkpoints of the server, by name."""
        # Requested each time, because checkpoints come and go while a server runs.
        rows = json.loads(self._http.get("/v1/checkpoints"))
        return [RemoteModel(row["name"], row) for row in rows]

    def load_model(self, name: str) -> RemoteModel:
        """A checkpoint of the server, for :meth:`recover` and :meth:`generate`.

        Raises:
            ModelError: the server has none of this name.
        """
        models = {model.name_or_path: model for model in self.list_checkpoints()}
        if name not in models:
            raise ModelError(
                name,
                f"no checkpoint of {self.url}",
                f"one of {', '.join(models) or '(none)'}",
                "choose one of them",
            )
        return models[name]

    def recover(
        self,
        model: RemoteModel,
        clip: Clip,
        hidden: Mask | np.ndarray,
        *,
        attention: bool = False,
        attention_frame: int = 0,
        joint_names: Mapping[str, str] | None = None,
        progress: Callable[[float], None] | None = None,
        noise: np.ndarray | None = None,
        lock_feet: bool | None = None,
    ) -> "RecoveryResult":
        """As :func:`mmm.recover`, on the server; the result is the same, bit for bit.

        ``attention`` needs a network of this machine. ``progress`` is called a few times a second;
        whatever it raises ends the request, and the server stops computing.

        Raises:
            MMMError: what the local call would raise, or the server cannot be reached.
        """
        if attention:
            raise SpecError(
                "attention", "servers do not send maps", cure="use mmm.load_model on this machine"
            )
        # Imported here because it needs torch, and a client may only list checkpoints.
        from mmm.recovery.recover import hidden_array

        pattern = hidden_array(clip, hidden)
        fields: dict[str, Any] = {
            "checkpoint": model.name_or_path,
            "format": "exact",
            "role": _roles(joint_names),
            "noise": [] if noise is None else [repr(float(value)) for value in noise],
        }
        if lock_feet is not None:
            fields["lock_feet"] = lock_feet
        files = {
            "clip": (f"clip{exchange.SUFFIX}", _packed(clip)),
            # The array itself, because not every pattern has a SPEC.
            "hidden": ("hidden", np.packbits(pattern).tobytes()),
        }
        content = self._post_with_progress("/v1/recover", fields, files, progress or _ignore)
        if progress is not None:
            progress(1.0)
        return answers.from_exact(content, clip, pattern)

    def generate(
        self,
        model: RemoteModel,
        clip: Clip,
        *,
        prefix_frames: int = 120,
        frames: int = 1200,
        music: Music | None = None,
        temperature: float = 1.0,
        random_seed: int = 0,
        joint_names: Mapping[str, str] | None = None,
    ) -> Iterator["Chunk"]:
        """As :func:`mmm.generate`, on the server: chunks as they are made, bit for bit.

        Raises:
            MMMError: what the local call would raise, or the server cannot be reached.
        """
        fields = {
            "checkpoint": model.name_or_path,
            "format": "stream",
            "seed_frames": prefix_frames,
            "frames": frames,
            "temperature": repr(float(temperature)),
            "seed": random_seed,
            "role": _roles(joint_names),
        }
        files = {"clip": (f"clip{exchange.SUFFIX}", _packed(clip))}
        if music is not None:
            files["music"] = (f"music{exchange.SUFFIX}", _music_bytes(music))
        return self._chunks(fields, files, clip)

    def generate_clip(
        self,
        model: RemoteModel,
        clip: Clip,
        *,
        prefix_frames: int = 120,
        frames: int = 1200,
        music: Music | None = None,
        temperature: float = 1.0,
        random_seed: int = 0,
        joint_names: Mapping[str, str] | None = None,
        progress: Callable[[float], None] | None = None,
        on_chunk: Callable[["Chunk"], object] | None = None,
    ) -> "Generation":
        """As :func:`mmm.generate_clip`, on the server. Raises as :meth:`generate`."""
        from mmm.generation.generate import run_to_end

        return run_to_end(
            self.generate,
            model,
            clip,
            prefix_frames=prefix_frames,
            frames=frames,
            music=music,
            temperature=temperature,
            random_seed=random_seed,
            joint_names=joint_names,
            progress=progress,
            on_chunk=on_chunk,
        )

    def _post_with_progress(
        self, path: str, fields: Fields, files: Files, progress: Callable[[float], None]
    ) -> bytes:
        """Send a form whose response reports progress; returns its content."""
        for attempt in range(TRIES):
            with self._http.post(path, fields, files) as answer:
                # What ``progress`` raises closes the connection, and the server then stops.
                for text in _lines(answer):
                    values = json.loads(text)
                    if "error" in values:
                        raise error_of(values)
                    if "share" in values:
                        progress(float(values["share"]))
                        continue
                    try:
                        return answer.read()
                    except (OSError, HTTPException):
                        break
            # The connection broke: a replica may have died in the middle of its response.
            time.sleep(FIRST_PAUSE_S * 2**attempt)
        raise self._http.unreachable(f"the connection broke {TRIES} times")

    def _chunks(self, fields: Fields, files: Files, clip: Clip) -> Iterator["Chunk"]:
        from mmm.generation.result import Chunk

        taken = 0
        for attempt in range(TRIES):
            try:
                with self._http.post("/v1/generate", fields, files) as answer:
                    for number, text in enumerate(answer):
                        values = json.loads(text)
                        if "error" in values:
                            raise error_of(values)
                        if "done" in values:
                            return
                        # The same seed gives the same chunks again; those received are skipped.
                        if number < taken:
                            continue
                        skeleton, fps = clip.motion.skeleton, clip.motion.fps
                        motion = answers.motion_of_line(values, skeleton, fps)
                        taken += 1
                        yield Chunk(int(values["first"]), motion)
            # The connection broke or the last line is incomplete: a replica may have died.
            except (OSError, HTTPException, ValueError):
                pass
            time.sleep(FIRST_PAUSE_S * 2**attempt)
        raise self._http.unreachable(f"the connection broke {TRIES} times")


def connect(url: str, *, api_key: str | None = None, timeout_s: float = 300.0) -> Server:
    """A server of ``mmm serve``. Its methods take the arguments of the library's functions.

    >>> server = mmm.connect("http://host:8000")
    >>> model = server.load_model("common-small")
    >>> result = server.recover(model, clip, mask)

    Args:
        url: its address, ``http://HOST:PORT``.
        api_key: the server's key, if it has one.
        timeout_s: a request fails after so many seconds without a byte.

    Raises:
        SpecError: the address begins with neither http:// nor https://.
    """
    return Server(url, api_key, timeout_s)


def _ignore(share: float) -> None:
    """Stands for ``progress`` where the caller gives none."""


def _lines(answer: HTTPResponse) -> Iterator[bytes]:
    """Complete lines of a response; it ends quietly where the connection breaks."""
    while True:
        try:
            text = answer.readline()
        except (OSError, HTTPException):
            return
        if not text.endswith(b"\n"):
            return
        yield text


def _roles(joint_names: Mapping[str, str] | None) -> list[str]:
    return [f"{role}={joint}" for role, joint in (joint_names or {}).items()]


def _packed(clip: Clip) -> bytes:
    """The bytes of a clip without its sound, since networks read features."""
    if clip.music is not None:
        clip = replace(clip, music=replace(clip.music, audio=None, without={}))
    return exchange.pack_clip(clip)


def _music_bytes(music: Music) -> bytes:
    """The bytes of music: a clip needs a motion, so they hold a single joint that stands still."""
    body = Skeleton(("root",), (-1,), np.zeros((1, 3), np.float32))
    turns = np.broadcast_to(np.eye(3, dtype=np.float32), (len(music), 1, 3, 3)).copy()
    still = Motion(body, turns, np.zeros((len(music), 3), np.float32), music.fps)
    return _packed(Clip("music", still, music))
