"""The songs for a generation: the clip's own, samples', uploads, files in folders, or none."""

from dataclasses import dataclass
from pathlib import Path
from weakref import WeakKeyDictionary

import streamlit as st

from dashboard.common.widgets import pick
from dashboard.files import entries, song_picker, uploads, visits
from dashboard.files.uploaded_music import song_features
from dashboard.files.windows import pick_start
from mmm import Clip, Music
from mmm.errors import FileError
from mmm.io.sound import PARTS, SOUND_SUFFIXES
from mmm.music.audio import encode_ogg, read_audio
from mmm.music.features import bpm_of_name, features_of, music_from

LONGEST_S = 300.0
"""Longest part of a song that is used, seconds; features, sound and motion must fit into a page."""
OWN, NONE, UPLOADED = "own", "none", song_picker.UPLOADED


@dataclass(frozen=True, eq=False)
class Song:
    """Music for a generation, which starts at the first frame of the prefix."""

    key: str
    """``own``, ``none``, the key of a sample or recording, or ``upload/`` and a file name."""
    label: str
    music: Music | None
    """None: silence."""
    start_s: float = 0.0
    """The position in the recording at which the music starts, in seconds."""

    @property
    def frames(self) -> int | None:
        """Length in frames of the clip; None for silence, which does not end."""
        return len(self.music) if self.music else None

    @property
    def sound_name(self) -> str:
        """Identifies the recording for the stage; empty without sound."""
        return self.digest if self.music and self.music.audio else ""

    @property
    def digest(self) -> str:
        """A digest of the music."""
        return digest_of(self.music) if self.music else "silence"


def digest_of(music: Music) -> str:
    """``music.digest()``, computed once per object."""
    known = _digests()
    if music not in known:
        known[music] = music.digest()
    return known[music]


@st.cache_resource(show_spinner=False)
def _digests() -> "WeakKeyDictionary[Music, str]":
    """Digests by object: hashing minutes of sound at every run would be slow."""
    return WeakKeyDictionary()


def offered(clip: Clip) -> dict[str, str]:
    """Keys and labels of the songs for this clip: its own first, then uploads."""
    songs = {OWN: "The clip's own"} if clip.music is not None else {}
    songs |= {UPLOADED + recording.name: recording.name for recording in visits.uploads().songs}
    songs |= {
        entry.key: entry.title
        for entry in entries.find_entries()
        if entry.group == "Samples" and entry.path.with_suffix(".ogg").is_file()
    }
    songs |= {key: path.name for key, path in own_folders().items()}
    return songs | {NONE: "No music"}


def own_folders() -> dict[str, Path]:
    """Recordings in the user's folders, by their key in the address; cached for seconds."""
    return _recordings(tuple(place for place in entries.folders() if place[0] != "Samples"))


@st.cache_data(ttl=5, show_spinner=False)
def _recordings(places: tuple[tuple[str, Path], ...]) -> dict[str, Path]:
    recordings: dict[str, Path] = {}
    for name, place in places:
        files = sorted(
            p
            for p in place.rglob("*")
            if p.suffix.lower() in SOUND_SUFFIXES
            and p.is_file()
            # Separated parts of a recording are not songs.
            and not p.stem.endswith(tuple(f".without_{part}" for part in PARTS))
        )
        recordings |= {f"{name}/{p.relative_to(place)}": p for p in files[: entries.MAX_ENTRIES]}
    return recordings


def open_song(key: str, clip: Clip, start_s: float = 0.0) -> Song:
    """The music of one of ``offered``, at the clip's frame rate, from ``start_s`` on.

    Raises:
        MMMError: it cannot be read, or ends too early.
    """
    fps = clip.motion.fps
    label = offered(clip).get(key, key)
    if key == OWN:
        return Song(key, label, clip.music)
    if key == NONE:
        return Song(key, label, None)
    if key.startswith(UPLOADED):
        recording = visits.uploads().recording(key.removeprefix(UPLOADED))
        if recording is None:
            raise FileError(key.removeprefix(UPLOADED), "no such song", "", "add it again")
        return Song(
            key, label, _from(recording.digest, start_s, fps, _recording=recording), start_s
        )
    path = path_of(key)
    if path is None or not path.is_file():
        raise FileError(key, "no such song", "", "choose another one")
    music = _file_features(str(path), path.stat().st_mtime_ns, fps)
    return Song(
        key, label, _cut(music_from(music, start_s, path.name) if start_s else music), start_s
    )


def path_of(key: str) -> Path | None:
    """The file of a sample's song, or of a recording in the user's folders."""
    entry = next((e for e in entries.find_entries() if e.key == key and e.group == "Samples"), None)
    return entry.path.with_suffix(".ogg") if entry is not None else own_folders().get(key)


@st.cache_resource(max_entries=16, show_spinner="Analysing the song")
def _file_features(path: str, changed_ns: int, fps: float) -> Music:
    # ``changed_ns`` is a part of the cache key: an edited file is read again.
    audio = read_audio(path)
    return features_of(audio, fps, start_bpm=bpm_of_name(Path(path).stem))


@st.cache_resource(max_entries=16, show_spinner=False)
def _from(digest: str, start_s: float, fps: float, *, _recording: uploads.Recording) -> Music:
    # The digest stands for the recording, which Streamlit cannot hash.
    return _cut(music_from(song_features(_recording, fps), start_s, _recording.name))


def _cut(music: Music) -> Music:
    return music.crop(0, min(len(music), round(LONGEST_S * music.fps)))


@st.cache_resource(max_entries=12, show_spinner=False)
def ogg(digest: str, *, _music: Music) -> bytes:
    """The sound for the browser as Ogg, encoded once per song."""
    # Callers pass only music that has sound.
    assert _music.audio is not None
    return encode_ogg(_music.audio)


def pick_song(clip: Clip) -> Song:
    """Draw the song picker and, for an upload, the choice of its start."""
    songs, state = offered(clip), st.session_state
    if state.get("gen_song") not in songs:
        # Clips without music get no song by default.
        state.gen_song = OWN if OWN in songs else NONE
    key = pick(
        "Music",
        list(songs),
        "gen_song",
        songs.__getitem__,
        "The music starts at the first frame. Add your own songs in the box at the top. At most "
        f"{LONGEST_S / 60:g} minutes are used.",
    )
    recording = (
        visits.uploads().recording(key.removeprefix(UPLOADED)) if key.startswith(UPLOADED) else None
    )
    start_s = pick_start(recording, LONGEST_S) if recording else 0.0
    return open_song(key, clip, start_s)
