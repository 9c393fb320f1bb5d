"""Controls that change the music, and the effect on recovered or generated motion."""

from collections.abc import Hashable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from dashboard.common import escape
from dashboard.common.downloads import Keys, bytes_of, film_controls, save_button
from dashboard.components.charts.heatmap import heatmap, pack_joint_heatmap
from dashboard.files import songs
from dashboard.work.questions import MusicChange
from mmm import Clip, MMMError
from mmm.explain.perturbations import parse, swap
from mmm.io.files import safe_name

if TYPE_CHECKING:
    from mmm.explain.change_results import GenerationChange, InterventionResult  # import torch

KINDS = {
    "mute": "Mute",
    "span": "Mute the selected span",
    "shift": "Shift in time",
    "swap": "Another song",
    "stretch": "Change the tempo",
    "without:drums": "Without drums",
    "without:chords": "Without chords",
}
CHANGED, OWN = "changed", "own"
CHANGES = {"change_cm": ("Position", "cm"), "change_deg": ("Rotation", "°")}
SOUNDS = {CHANGED: "Changed music", OWN: "Original music"}


@dataclass(frozen=True)
class Choice:
    """The values of the controls."""

    spec: str
    """SPEC of the change; empty while something is missing."""
    song: str = ""
    """The other song, one of ``songs.offered``; empty for other kinds of change."""
    start_s: float = 0.0
    """The moment of that song that is played at the first frame, in seconds."""


def pick_change(
    clip: Clip, span: tuple[int, int] | None, prefix: str = "", song_key: str = ""
) -> Choice:
    """Draw the controls, side by side.

    Args:
        clip: the clip whose music is changed.
        span: first and last frame that were selected on the map.
        prefix: prefix of the controls' keys.
        song_key: the current song, which is not offered.
    """
    kind = st.selectbox(
        "Change the music",
        list(KINDS),
        key=f"{prefix}change_kind",
        width=250,
        format_func=KINDS.__getitem__,
    )
    if kind == "shift":
        ms = st.slider(
            # Half a second is one beat at 120 bpm.
            "By, ms (positive: later)",
            -500,
            500,
            200,
            10,
            key=f"{prefix}change_ms",
            width=260,
        )
        # No shift is no change: the empty SPEC disables the button.
        return Choice(f"shift:{ms}" if ms else "")
    if kind == "stretch":
        factor = st.slider(
            "Length, ×", 0.5, 2.0, 1.1, 0.05, key=f"{prefix}change_factor", width=260
        )
        return Choice(f"stretch:{factor:g}" if factor != 1 else "")
    if kind == "swap":
        return _pick_song(clip, prefix, song_key)
    if kind == "span":
        if span is None:
            st.caption("Drag across the map to select a span.")
            return Choice("")
        st.caption(f"Frames {span[0]} to {span[1]}")
        return Choice(f"mute:{span[0]}-{span[1]}")
    return Choice(kind)


def _pick_song(clip: Clip, prefix: str, song_key: str) -> Choice:
    """A song of the user, a sample's, or a recording in the user's folders."""
    offered = {
        key: label
        for key, label in songs.offered(clip).items()
        # A sample's own song is also listed under the sample's name.
        if key not in (songs.OWN, songs.NONE, song_key) and not key.endswith(f"/{clip.name}")
    }
    if not offered:
        st.caption("There is no other song here: add one in the side bar.")
        return Choice("")
    state, key = st.session_state, f"{prefix}change_song"
    # The chosen song may have been removed; the first available one replaces it.
    if state.get(key) not in offered:
        state[key] = next(iter(offered))
    name = st.selectbox(
        "Song",
        list(offered),
        key=key,
        width=320,
        format_func=offered.__getitem__,
        help="Add your own songs in the box at the top of the side bar.",
    )
    start_s = st.number_input(
        "From second",
        0.0,
        900.0,
        0.0,
        0.5,
        key=f"{prefix}change_song_start",
        width=130,
        format="%.1f",
        help="This moment of the song is played at the first frame.",
    )
    return Choice(
        f"swap:{offered[name]}" + (f"@{start_s:g}" if start_s else ""), name, float(start_s)
    )


def open_change(choice: Choice, clip: Clip) -> MusicChange:
    """The change, with its song analysed.

    Raises:
        MMMError: the song cannot be read, or ends before the chosen moment.
    """
    if not choice.song:
        return MusicChange(parse(choice.spec))
    song = songs.open_song(choice.song, clip, choice.start_s)
    # Only the entry for silence has no music, and it is not offered.
    assert song.music is not None
    return MusicChange(swap(song.music, choice.spec.removeprefix("swap:")), song.digest)


def opened(choice: Choice, clip: Clip) -> MusicChange | None:
    """As ``open_change``; an error is shown on the page, and None returned."""
    try:
        return open_change(choice, clip)
    except MMMError as error:
        st.error(escape.markdown(error), icon=":material/error:")
        return None


def pick_sound(prefix: str = "") -> None:
    """Draw the choice of the music that the viewer plays.

    A change draws the whole page again, because the viewer is outside this fragment.
    """
    # Read before the control is drawn, so that the first run does not count as a change.
    before = plays_changed_music(prefix)
    st.segmented_control(
        "Play",
        list(SOUNDS),
        key=f"{prefix}change_sound",
        default=CHANGED,
        required=True,
        format_func=SOUNDS.__getitem__,
    )
    if plays_changed_music(prefix) != st.session_state.setdefault(f"{prefix}change_heard", before):
        st.session_state[f"{prefix}change_heard"] = plays_changed_music(prefix)
        st.rerun()


def plays_changed_music(prefix: str = "") -> bool:
    """Whether the viewer plays the changed music when it shows a change."""
    return bool(st.session_state.get(f"{prefix}change_sound", CHANGED) == CHANGED)


def show_change(
    outcome: "InterventionResult | GenerationChange",
    clip: Clip,
    method: str,
    of: Hashable,
    prefix: str = "",
    channel: str = "main",
) -> None:
    """Draw the choice of the music, the downloads, and the change by joint and frame.

    Args:
        outcome: the result of the change.
        clip: the clip with its own music.
        method: the network's name.
        of: identifies the outcome, for the cache of films.
        prefix: prefix of the controls' keys.
        channel: the name of the viewer's playhead.
    """
    for note in outcome.notes:
        st.caption(escape.markdown(note))
    keys = Keys(f"{prefix}change_", f"{prefix}get-change-")
    # Windows allows no colon in a file name.
    name = safe_name(f"{clip.name}-{method}-{outcome.intervention.label}".replace(":", "-"))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        pick_sound(prefix)
        save_button(
            "Web page",
            partial(bytes_of, outcome, "html"),
            f"{name}.html",
            "Both motions in one HTML file, with the changed music",
            keys,
        )
        film_controls(
            lambda layout: of,
            lambda layout: outcome.scene(),
            name,
            outcome.scene().performers[0].motion,
            keys,
            channel,
        )
    # `required` rules out None, which the return type still allows.
    kind = str(
        st.segmented_control(
            "Change of",
            list(CHANGES),
            key=f"{prefix}change_of",
            default="change_cm",
            required=True,
            format_func=lambda k: CHANGES[k][0],
            label_visibility="collapsed",
        )
    )
    title, unit = CHANGES[kind]
    heatmap(
        pack_joint_heatmap(
            getattr(outcome, kind),
            clip.motion.skeleton,
            fps=clip.motion.fps,
            hidden=outcome.hidden,
            unit=unit,
            channel=channel,
            title=f"{title} change by joint and frame: {outcome.intervention.words.lower()}",
            subtitle="compared with the motion to the original music; click to move the playhead",
        ),
        key=f"{channel}-change-map",
    )
