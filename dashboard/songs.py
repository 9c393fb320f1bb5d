"""What a dance may go on to: the clip's own song, a sample's, one of the user's own, or none."""

import tempfile
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import streamlit as st

from dashboard import library
from mmm import Audio, Clip, MMMError, Music
from mmm.errors import FileError
from mmm.io.audio import SUFFIXES, encode_ogg, read_audio
from mmm.music import bpm_of_name, features_of

LONGEST_S = 300.0
"""Of a song, its first so many seconds are heard: features, sound and bodies must fit into a page."""
SHORTEST_S = 1.0
"""What must be left of a song after the seed."""

OWN, NONE = "own", "none"


@dataclass(frozen=True, eq=False)
class Song:
    """A recording to dance to, from the seed's first frame on."""

    key: str
    """``own``, ``none``, a sample's key, or ``upload`` and its digest."""
    label: str
    music: Music | None
    """None: silence."""

    @property
    def frames(self) -> int | None:
        """How long it lasts at the clip's rate; None for silence, which does not end."""
        return len(self.music) if self.music else None

    @property
    def sound_name(self) -> str:
        """Names the recording for the stage; empty where there is nothing to hear."""
        return self.digest if self.music and self.music.audio else ""

    @property
    def digest(self) -> str:
        """What changes with the music."""
        return _digest(self.music) if self.music else "silence"


def _digest(music: Music) -> str:
    known = _digests()
    if music not in known:
        known[music] = music.digest()
    return known[music]


@st.cache_resource(show_spinner=False)
def _digests() -> "WeakKeyDictionary[Music, str]":
    """Hashing minutes of sound at every run would be felt."""
    return WeakKeyDictionary()


def offered(clip: Clip) -> dict[str, str]:
    """Keys and labels of the songs at hand for this clip: its own first."""
    songs = {OWN: "The clip's own"} if clip.music is not None else {}
    songs |= {f"upload/{name}": name for name in uploads()}
    songs |= {entry.key: f"{entry.label.replace('_', ' ')}" for entry in library.find_entries()
              if entry.group == "Samples" and entry.path.with_suffix(".ogg").is_file()}
    return songs | {NONE: "No music"}


def open_song(key: str, clip: Clip) -> Song:
    """The music of one of ``offered``, at the clip's frame rate.

    Raises:
        MMMError: it cannot be read, or ends too early.
    """
    fps = clip.motion.fps
    label = offered(clip).get(key, key)
    if key == OWN:
        return Song(key, label, clip.music)
    if key == NONE:
        return Song(key, label, None)
    if key.startswith("upload/"):
        name = key.removeprefix("upload/")
        return Song(key, label, _hear(name, fps, _data=uploads()[name][1], digest=uploads()[name][0]))
    entry = next((e for e in library.find_entries() if e.key == key), None)
    if entry is None:
        raise FileError(key, "no such sample", "", "choose another song")
    path = entry.path.with_suffix(".ogg")
    data = path.read_bytes()
    return Song(key, label, _hear(path.name, fps, _data=data, digest=blake2b(data, digest_size=16).hexdigest()))


def uploads() -> dict[str, tuple[str, bytes]]:
    """The user's own songs of this session: digest and bytes by name."""
    found: dict[str, tuple[str, bytes]] = st.session_state.setdefault("songs", {})
    return found


def take_upload(file: Any) -> str:
    """Keep an uploaded file once it proves to be sound; the song's key.

    Raises:
        MMMError: it is empty, not sound, broken off, or hardly there.
    """
    name, data = Path(file.name).name, bytes(file.getvalue())
    sound = _read(name, data)
    if sound.duration_s < SHORTEST_S:
        raise FileError(name, f"{sound.duration_s:.2f} s of sound", f"at least {SHORTEST_S:g} s",
                        "choose a longer recording")
    uploads()[name] = blake2b(data, digest_size=16).hexdigest(), data
    return f"upload/{name}"


def _read(name: str, data: bytes) -> Audio:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        return read_audio(path)


@st.cache_resource(max_entries=16, show_spinner="Listening to the song")
def _hear(name: str, fps: float, digest: str, *, _data: bytes) -> Music:
    audio = _read(name, _data)
    if audio.duration_s > LONGEST_S:
        audio = audio.crop_s(0.0, LONGEST_S)
    return features_of(audio, fps, start_bpm=bpm_of_name(Path(name).stem))


@st.cache_resource(max_entries=12, show_spinner=False)
def ogg(digest: str, *, _music: Music) -> bytes:
    """The sound for the browser, encoded once a song."""
    assert _music.audio is not None
    return encode_ogg(_music.audio)


def pick_song(clip: Clip) -> Song:
    """The song picker and the upload under it; what is wrong with an upload is said in one line."""
    picker = st.container()
    with st.expander("Your own song", icon=":material/upload_file:", key="gen_upload_box"):
        file = st.file_uploader("Sound file", [suffix.removeprefix(".") for suffix in SUFFIXES], key="gen_upload",
                                label_visibility="collapsed",
                                help=f"Its first {LONGEST_S / 60:g} minutes are danced to.")
    problem = _uploaded(file)
    songs, state = offered(clip), st.session_state
    if state.get("gen_song") not in songs:
        state.gen_song = next(iter(songs))
    with picker:
        key = st.selectbox("Music", list(songs), key="gen_song", format_func=songs.__getitem__,
                           help="From its beginning: the seed's first frame is its first moment.")
    if problem:
        st.error(problem, icon=":material/error:")
    return open_song(key, clip)


def _uploaded(file: Any) -> str:
    """Take a file that has just come; what is wrong with it, or nothing."""
    state = st.session_state
    if file is None:
        state.pop("gen_upload_seen", None)
        return ""
    seen = state.get("gen_upload_seen")
    if seen is not None and seen[0] == file.file_id:
        return str(seen[1])
    try:
        state.gen_song = take_upload(file)
        problem = ""
    except MMMError as error:
        problem = str(error)
    state.gen_upload_seen = (file.file_id, problem)
    return problem
