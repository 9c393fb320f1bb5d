"""The sidebar of Generate: seed, song, length, network, chance; and the page's address. Returns plain values."""

import re
from dataclasses import dataclass, replace

import streamlit as st

from dashboard.common import model_picker, url
from dashboard.files import entries as library
from dashboard.files import songs, upload_box
from dashboard.files.songs import Song
from dashboard.work import jobs
from dashboard.work.generations import Ask, Setting
from mmm import Clip
from mmm.checkpoints import CheckpointSummary, list_checkpoints
from mmm.errors import ModelError, SpecError

LEAST_SEED_S, MOST_SEED_S, SEED_S = 0.5, 4.0, 2.0
LEAST_S, MOST_SILENT_S, LENGTH_S = 1.0, 60.0, 20.0
"""How much is generated, seconds: the least, the most without a song, and at first."""
NUMBERS = {
    "gen_seed_s": "seed_s",
    "gen_length_s": "length_s",
    "gen_variety": "variety",
    "gen_number": "seed",
}
"""Controls and what they are called in the page's address."""


@dataclass(frozen=True, eq=False)
class Plan:
    """What is to be generated."""

    entry: library.Entry
    start: int
    """The seed's first frame in the file."""
    clip: Clip
    """The file from there on."""
    song: Song
    ask: Ask
    total: int
    """Frames of the seed and after it."""
    problem: str = ""
    """Why it cannot be."""

    @property
    def fps(self) -> float:
        """Frames a second."""
        return self.clip.motion.fps

    @property
    def heard(self) -> Clip:
        """The clip as the network meets it: silent where silence is asked for."""
        return replace(self.clip, music=None) if self.song.key == songs.NONE else self.clip


def seed_from_url() -> None:
    """On a session's first run, start from what the address says (a shared link)."""
    state, query = st.session_state, st.query_params
    if "gen_seeded" in state:
        return
    state.gen_seeded = True
    if query.get("mode") != "generate":
        return
    for key, name in NUMBERS.items():
        if re.fullmatch(r"\d{1,4}(\.\d{1,3})?", query.get(name, "")):
            state[key] = int(float(query[name])) if name == "seed" else float(query[name])
    for key, name in (("gen_method", "method"), ("gen_song", "song")):
        if name in query:
            state[key] = query[name]
    if re.fullmatch(r"\d{1,7}", query.get("start", "")):
        state.gen_url_start = int(query["start"])


def pick(entries: list[library.Entry], checkpoints: list[CheckpointSummary] | None = None) -> Plan:
    """All controls of the mode, from top to bottom.

    Raises:
        MMMError: the sequence cannot be opened, is too short for a seed, or no network can go on from it.
    """
    entry = upload_box.pick_sequence(entries)
    whole = library.open_clip(entry)
    start, prefix_frames = _pick_seed(entry, whole)
    clip = library.open_part(entry, start, len(whole))
    st.divider()
    song = songs.pick_song(clip)
    frames, problem = _pick_length(clip, song, prefix_frames)
    st.divider()
    card, roles = _pick_network(clip, list_checkpoints() if checkpoints is None else checkpoints)
    if card.uses_music and song.key == songs.NONE:
        st.caption(
            "This network listens: without music it is given silence, to which it was never trained to dance."
        )
    elif not card.uses_music and song.key != songs.NONE:
        st.caption("This network does not listen: the song plays, the motion goes its own way.")
    temperature, number = _pick_chance(card)
    setting = Setting(
        f"{entry.key}@{start} {_seed_digest(clip, prefix_frames)}", prefix_frames, song.digest
    )
    ask = Ask(
        setting,
        frames,
        card.name,
        jobs.version_of(card.name),
        temperature,
        number,
        _by_chance(card),
        roles,
    )
    _share_in_url(entry, start, song, card.name)
    return Plan(entry, start, clip, song, ask, prefix_frames + frames, problem)


def _seed_digest(clip: Clip, prefix_frames: int) -> str:
    return clip.motion.crop(0, prefix_frames).digest()


def _clamped(key: str, default: float, low: float, high: float) -> None:
    st.session_state[key] = min(max(float(st.session_state.get(key, default)), low), high)


def _pick_seed(entry: library.Entry, whole: Clip) -> tuple[int, int]:
    """First frame and length of the seed."""
    fps, state = whole.motion.fps, st.session_state
    least = max(2, round(LEAST_SEED_S * fps))
    if len(whole) < least:
        raise SpecError(
            whole.name,
            f"{len(whole)} frames at {fps:g} a second",
            f"at least {least} for a seed",
            "choose a longer sequence",
        )
    last, key = len(whole) - least, f"gen_start-{entry.key}"
    if last > 0:
        state[key] = min(max(int(state.get(key, state.pop("gen_url_start", 0))), 0), last)
        start = int(
            st.slider(
                "Seed starts at frame",
                0,
                last,
                key=key,
                format="%d",
                help=f"Of the file's {len(whole)}, {fps:g} a second. Music and truth go on from there.",
            )
        )
    else:
        start = 0
    high = max(min(MOST_SEED_S, int(10 * (len(whole) - start) / fps) / 10), LEAST_SEED_S)
    _clamped("gen_seed_s", SEED_S, LEAST_SEED_S, high)
    if high > LEAST_SEED_S:
        st.slider(
            "Seed length",
            LEAST_SEED_S,
            high,
            key="gen_seed_s",
            step=0.1,
            format="%.1f s",
            help="Real motion that the network is given; all after it is made up.",
        )
    frames = min(max(round(float(state.gen_seed_s) * fps), least), len(whole) - start)
    return start, frames


def _pick_length(clip: Clip, song: Song, prefix_frames: int) -> tuple[int, str]:
    """How many frames to generate, and what is wrong with the song, if anything."""
    fps, state = clip.motion.fps, st.session_state
    left_s = MOST_SILENT_S if song.frames is None else (song.frames - prefix_frames) / fps
    if left_s < LEAST_S:
        lasts = (song.frames or 0) / fps
        return max(round(LEAST_S * fps), 1), str(
            SpecError(
                song.label,
                f"lasts {lasts:.1f} s",
                f"at least {prefix_frames / fps + LEAST_S:.1f} s, for seed and dance",
                "choose a longer song, an earlier start or a shorter seed",
            )
        )
    high = max(int(2 * left_s + 1e-6) / 2, LEAST_S)
    # What was given to the user follows the song; what they chose stays as far as the song allows.
    if "gen_length_s" not in state or state.gen_length_s == state.get("gen_length_given"):
        state.gen_length_s = state.gen_length_given = min(LENGTH_S, high)
    _clamped("gen_length_s", LENGTH_S, LEAST_S, high)
    if high > LEAST_S:
        st.slider(
            "Length to generate",
            LEAST_S,
            high,
            key="gen_length_s",
            step=0.5,
            format="%.1f s",
            help="As long as the song goes on after the seed; without music up to a minute.",
        )
    return min(max(round(float(state.gen_length_s) * fps), 1), int(left_s * fps + 1e-6)), ""


def _pick_network(
    clip: Clip, checkpoints: list[CheckpointSummary]
) -> tuple[CheckpointSummary, model_picker.Roles]:
    """The network: those trained to go on first, the others with a remark."""
    picker, remarks = st.container(), st.container()
    on_roles = any(card.representation == "roles" for card in checkpoints)
    with remarks:
        named = model_picker.name_joints(clip.motion.skeleton) if on_roles else {}
    fitting, unfit = model_picker.sorted_out(clip, checkpoints, named)
    with remarks:
        for reason in unfit:
            st.caption(f"Not for this clip: {reason}")
    ordered = in_order(clip, fitting)
    if not ordered:
        raise ModelError(
            clip.name,
            "no network fits this sequence",
            "",
            "choose another sequence, name its joints, or "
            "train a network with python -m training.finetune",
        )
    of, state = {card.name: card for card in ordered}, st.session_state
    if state.get("gen_method") not in of or state.gen_method == state.get("gen_method_given"):
        state.gen_method = state.gen_method_given = ordered[0].name
    with picker:
        card = of[
            st.selectbox(
                "Network",
                list(of),
                key="gen_method",
                format_func=lambda name: name if of[name].can_generate else f"{name} (fills gaps)",
            )
        ]
        st.caption(model_picker.about(card))
        if not card.can_generate:
            st.caption(
                "It was trained to fill gaps, not to go on without an end: expect it to drift or to freeze."
            )
    return card, tuple(named.items()) if card.representation == "roles" else ()


def in_order(clip: Clip, fitting: list[CheckpointSummary]) -> list[CheckpointSummary]:
    """Networks that were trained to go on before those that fill gaps; with music those that listen before others."""
    heard = clip.music is not None
    return sorted(
        fitting, key=lambda card: (not card.can_generate, card.uses_music != heard, card.name)
    )


def _pick_chance(card: CheckpointSummary) -> tuple[float, int]:
    """Variety and seed number; fixed for a network without chance."""
    state, chance = st.session_state, _by_chance(card)
    _clamped("gen_variety", 1.0, 0.0, 2.0)
    hears = card.uses_music and not card.noise_dim
    state.gen_number = min(max(int(state.get("gen_number", 0)), 0), 9999)
    if not chance:
        st.caption("No chance in this network: one dance for each seed and song.")
        return 1.0, 0
    left, right = st.columns(2)
    left.slider(
        "Variety",
        0.0,
        2.0,
        key="gen_variety",
        step=0.1,
        format="%.1f",
        help="Up to 1 the one dance that it makes of this song. Beyond, it hears a share of the bars in other "
        "keys (2: all) and dances other moves on the same beat."
        if hears
        else "0: the most middling motion. 1: as various as it learned to be. More strays further.",
    )
    right.number_input(
        "Seed number",
        0,
        9999,
        key="gen_number",
        help="Of chance: another number, another motion; the same one, the same motion.",
    )
    return float(state.gen_variety), int(state.gen_number)


def _by_chance(card: CheckpointSummary) -> bool:
    """Whether variety and seed number make a difference."""
    return card.noise_dim > 0 or card.uses_music


def _share_in_url(entry: library.Entry, start: int, song: Song, method: str) -> None:
    """Keep the address in step with the page, so that it can be sent to a colleague."""
    wanted = {"mode": "generate", "sequence": entry.key, "start": str(start), "method": method}
    wanted |= {
        name: f"{st.session_state[key]:g}"
        for key, name in NUMBERS.items()
        if key in st.session_state
    }
    if not song.key.startswith("upload/"):
        wanted["song"] = song.key
    url.show_in_url(wanted)
