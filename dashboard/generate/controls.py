"""The side bar of Generate: controls for seed, music, length, network and randomness."""

from dataclasses import dataclass, replace

import streamlit as st

from dashboard.common import escape, model_picker
from dashboard.files import songs
from dashboard.files.entries import SAMPLES, Entry, open_clip, open_part
from dashboard.files.sequence_picker import pick_sequence
from dashboard.files.songs import Song
from dashboard.generate import link
from dashboard.work import jobs
from dashboard.work.generations import Ask, Setting
from dashboard.work.networks import list_checkpoints
from mmm import Clip
from mmm.checkpoints import CheckpointInfo
from mmm.errors import ModelError, SpecError

LEAST_SEED_S, MOST_SEED_S, SEED_S = 0.5, 4.0, 2.0
"""Length of the seed, in seconds: minimum, maximum, default."""
LEAST_S, MOST_SILENT_S, LENGTH_S = 1.0, 60.0, 20.0
"""Length to generate, in seconds: minimum, maximum without music, default."""


@dataclass(frozen=True, eq=False)
class Plan:
    """Everything that determines a generation."""

    entry: Entry
    start: int
    """The first frame of the seed in the file."""
    clip: Clip
    """The file from that frame on."""
    song: Song
    ask: Ask
    total: int
    """Frames of the seed and of the generated motion together."""
    problem: str = ""
    """Why the plan cannot be generated; empty if it can."""

    @property
    def fps(self) -> float:
        """Frames a second."""
        return self.clip.motion.fps

    @property
    def input_clip(self) -> Clip:
        """The network's input: the clip, without its music if the user chose none."""
        return replace(self.clip, music=None) if self.song.key == songs.NONE else self.clip


def pick(entries: list[Entry], checkpoints: list[CheckpointInfo] | None = None) -> Plan:
    """Draw all controls of the mode.

    Raises:
        MMMError: the sequence cannot be opened or is too short for a seed, or no network can
            continue it.
    """
    entry = pick_sequence(entries)
    file_clip = open_clip(entry)
    start, prefix_frames = _pick_seed(entry, file_clip)
    # Cropped at the seed's start, where music, recording and frame numbers begin.
    clip = open_part(entry, start, len(file_clip))
    st.divider()
    song = songs.pick_song(clip)
    frames, problem = _pick_length(clip, song, prefix_frames)
    st.divider()
    card, roles = _pick_network(
        clip,
        list_checkpoints() if checkpoints is None else checkpoints,
        own_dance=entry.group == SAMPLES and song.key == songs.OWN,
    )
    if card.uses_music and song.key == songs.NONE:
        st.caption(
            "This network uses music. Without music it gets silence, "
            "which it has not been trained on."
        )
    elif not card.follows_music and song.key != songs.NONE:
        st.caption("This network ignores music: the song plays, but the motion does not follow it.")
    temperature, number = _pick_randomness(card)
    # The digest too, because a file may change, or be read with other import options.
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
        _is_random(card),
        roles,
    )
    link.share_in_url(entry, start, song, card.name)
    return Plan(entry, start, clip, song, ask, prefix_frames + frames, problem)


def _seed_digest(clip: Clip, prefix_frames: int) -> str:
    return clip.motion.crop(0, prefix_frames).digest()


def _clamped(key: str, default: float, low: float, high: float) -> None:
    # Called before the slider is drawn, because Streamlit refuses a value outside its range.
    st.session_state[key] = min(max(float(st.session_state.get(key, default)), low), high)


def _pick_seed(entry: Entry, file_clip: Clip) -> tuple[int, int]:
    """First frame and number of frames of the seed."""
    fps, state = file_clip.motion.fps, st.session_state
    # A seed of one frame has no velocity to continue.
    least = max(2, round(LEAST_SEED_S * fps))
    if len(file_clip) < least:
        raise SpecError(
            file_clip.name,
            f"{len(file_clip)} frames at {fps:g} fps",
            f"at least {least} frames for a seed",
            "choose a longer sequence",
        )
    last, key = len(file_clip) - least, f"gen_start-{entry.key}"
    # Streamlit refuses a slider with a single value.
    if last > 0:
        # Popped, because the link's start applies to the first sequence only.
        state[key] = min(max(int(state.get(key, state.pop("gen_url_start", 0))), 0), last)
        start = int(
            st.slider(
                "Start of the seed",
                0,
                last,
                key=key,
                format="%d",
                help=f"Frame of the file, which has {len(file_clip)} at {fps:g} fps. Its music "
                "and the recording to compare with begin there, too.",
            )
        )
    else:
        start = 0
    # Rounded down to the slider's step, a tenth of a second, so that the file has enough frames.
    high = max(min(MOST_SEED_S, int(10 * (len(file_clip) - start) / fps) / 10), LEAST_SEED_S)
    _clamped("gen_seed_s", SEED_S, LEAST_SEED_S, high)
    if high > LEAST_SEED_S:
        st.slider(
            "Seed length",
            LEAST_SEED_S,
            high,
            key="gen_seed_s",
            step=0.1,
            format="%.1f s",
            help="Recorded motion that the network starts from; everything after it is generated.",
        )
    # Seconds rounded to frames may exceed the end of the file.
    frames = min(max(round(float(state.gen_seed_s) * fps), least), len(file_clip) - start)
    return start, frames


def _pick_length(clip: Clip, song: Song, prefix_frames: int) -> tuple[int, str]:
    """Number of frames to generate, and what is wrong with the song (or an empty text)."""
    fps, state = clip.motion.fps, st.session_state
    left_s = MOST_SILENT_S if song.frames is None else (song.frames - prefix_frames) / fps
    if left_s < LEAST_S:
        lasts = (song.frames or 0) / fps
        # Returned, not raised: the page must keep the controls with which to solve the problem.
        return max(round(LEAST_S * fps), 1), str(
            SpecError(
                song.label,
                f"lasts {lasts:.1f} s",
                f"at least {prefix_frames / fps + LEAST_S:.1f} s for the seed "
                "and the generated motion",
                "choose a longer song, an earlier start or a shorter seed",
            )
        )
    # Rounded down to half a second, the slider's step. 1e-6 s stops floating-point error from
    # turning 20 s into 19.5 s.
    high = max(int(2 * left_s + 1e-6) / 2, LEAST_S)
    # The default follows the song; the user's own choice is kept as far as the song allows.
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
            help="At most the rest of the song after the seed; without music, at most a minute.",
        )
    return min(max(round(float(state.gen_length_s) * fps), 1), int(left_s * fps + 1e-6)), ""


def _pick_network(
    clip: Clip, checkpoints: list[CheckpointInfo], own_dance: bool
) -> tuple[CheckpointInfo, model_picker.Roles]:
    """The network picker. Networks that are trained for gaps only are marked."""
    # The picker is above the remarks, but depends on the joints that are named in them.
    picker, remarks = st.container(), st.container()
    on_roles = any(card.representation == "roles" for card in checkpoints)
    with remarks:
        named = model_picker.name_joints(clip.motion.skeleton) if on_roles else {}
    fitting, unfit = model_picker.sorted_out(clip, checkpoints, named)
    with remarks:
        for reason in unfit:
            st.caption(f"Not for this clip: {escape.markdown(reason)}")
    ordered = in_order(fitting, own_dance)
    if not ordered:
        raise ModelError(
            clip.name,
            "no network fits this sequence",
            "",
            "choose another sequence, assign its joints, or train a network with "
            "python -m training finetune",
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
                "This network was trained to fill gaps, not to continue a motion: "
                "it may drift or freeze."
            )
    return card, tuple(named.items()) if card.representation == "roles" else ()


def in_order(fitting: list[CheckpointInfo], own_dance: bool) -> list[CheckpointInfo]:
    """Sort networks: those that are trained to continue a motion come first.

    Networks with music input were trained on the songs of the samples. They come first for a
    sample with its own song, and last otherwise (docs/generation.md).
    """
    # False sorts before True.
    return sorted(
        fitting, key=lambda card: (not card.can_generate, card.uses_music != own_dance, card.name)
    )


def _pick_randomness(card: CheckpointInfo) -> tuple[float, int]:
    """Temperature and random seed; fixed for a deterministic network."""
    state, chance = st.session_state, _is_random(card)
    # Set even if no control is drawn, because the address is made from these values.
    _clamped("gen_variety", 1.0, 0.0, 2.0)
    perturbs_music = card.uses_music and not card.noise_dim
    state.gen_number = min(max(int(state.get("gen_number", 0)), 0), 9999)
    if not chance:
        st.caption("This network is deterministic: one motion for each seed and song.")
        # Fixed, so that a deterministic motion has one Ask.
        return 1.0, 0
    left, right = st.columns(2)
    left.slider(
        "Temperature",
        0.0,
        2.0,
        key="gen_variety",
        step=0.1,
        format="%.1f",
        help="Up to 1: the network's only dance to this song. Above 1: a share of the bars (all at "
        "2) is transposed to other keys for the network, which gives other moves on the same "
        "beat."
        if perturbs_music
        else "0: the mean prediction. 1: as varied as in training. "
        "Above 1: more varied, less natural.",
    )
    right.number_input(
        "Random seed",
        0,
        9999,
        key="gen_number",
        help="Another number gives another motion; the same number gives the same motion again.",
    )
    return float(state.gen_variety), int(state.gen_number)


def _is_random(card: CheckpointInfo) -> bool:
    """Whether temperature and random seed change this network's motion."""
    return card.is_stochastic
