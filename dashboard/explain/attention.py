"""Attention maps on the page, on demand, with what they can and cannot tell."""

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import streamlit as st
from jaxtyping import Bool

from dashboard.common import escape, url
from dashboard.components.attention.attention import (
    AttentionState,
    Tiles,
    attention,
    pack_attention,
)
from dashboard.explain.asking import answer
from dashboard.explain.dock import is_docked, place_button
from dashboard.explain.figures import convolution_figure, trust_chart
from dashboard.explain.interventions import what_if
from dashboard.files.entries import shown_name
from dashboard.work import questions
from dashboard.work.attention_maps import STAGE_NAMES, Atlas, View
from dashboard.work.networks import list_checkpoints
from dashboard.work.recoveries import Request
from mmm import Clip, Music
from mmm.checkpoints import CheckpointInfo
from mmm.interpolation.baselines import BASELINES
from mmm.masks import Mask
from mmm.music.features import bar_lines

Array = np.ndarray

KEY = "attention"
SIDES = {"motion": "motion", "music": "music"}


@st.fragment
def attention_section(clip: Clip, mask: Mask, request: Request) -> None:
    """The attention box. Nothing is computed until it is opened.

    A fragment, so that the viewer keeps playing.
    """
    dock = st.container(key="maps-dock")
    box = st.expander(
        "Attention: what the network looked at", key="attention_open", on_change="rerun"
    )
    # Before the early return: a closed box must leave the address too.
    url.share_maps()
    if not box.open:
        return
    with box:
        if request.method in BASELINES:
            st.caption(
                f"{escape.markdown(request.method)} is an interpolation, which has no attention. "
                "Choose a network."
            )
            return
        place_button()
    frame = _frame(request, clip, mask)
    with dock if is_docked() else box:
        # A kept window that holds the frame will do; a capture would recover the clip once more.
        atlas = questions.answers().find(request, frame) or answer(
            questions.Question(request, "attention", (frame,)),
            lambda: questions.capture(request, clip, mask, frame),
            "Show the maps",
        )
        if atlas is None:
            return
        name, music = clip.name, clip.music
        of = Mapped(name, mask.hidden, clip.motion.fps, music, title=shown_name(name))
        state = show_maps(atlas, of, repr(request), KEY, lambda: _look_there(request))
    with box:
        beside_the_maps(atlas, request.method)
        if card(request.method).uses_music:
            what_if(clip, mask, request, state.span)


def _frame(request: Request, clip: Clip, mask: Mask) -> int:
    """The frame whose window is shown: the one the user asked for, else the middle hidden one.

    A long clip is recovered in windows, each with its own maps.
    """
    asked = st.session_state.get("attention_frame")
    if asked is not None and asked[0] == request and asked[1] < len(clip):
        return int(asked[1])
    hidden = np.flatnonzero(mask.frames)
    return int(hidden[len(hidden) // 2]) if len(hidden) else 0


@dataclass(frozen=True, eq=False)
class Mapped:
    """The motion that maps belong to."""

    name: str
    hidden: Bool[Array, "T J"]
    """Hidden entries, for all frames of the timeline."""
    fps: float
    music: Music | None
    channel: str = "main"
    title: str = ""
    """What the page calls it; nothing where its name serves."""


def show_maps(
    atlas: Atlas, of: Mapped, what: str, key: str, on_window: Callable[[], None]
) -> AttentionState:
    """Show the maps of a window: a sentence, the view and a download.

    Args:
        what: identifies the maps, for the cache.
        key: of the view; the key of its download ends in ``get-maps``.
        on_window: as ``attention`` has it.
    """
    # The component's state holds the user's last choice. Until there is one, the link decides.
    view = atlas.parse(
        (st.session_state.get(key) or {}).get("view") or st.session_state.get("url_maps")
    )
    payload = _payload(what, atlas.trace.frames, str(view), _atlas=atlas, _of=of)
    state = attention(payload, key=key, on_window=on_window)
    st.caption(what_it_shows(atlas, view))
    first, end = atlas.trace.frames
    with st.container(horizontal=True):
        st.download_button(
            "All maps, NPZ",
            # A function: the file is compressed on a click, not on every run.
            lambda: _npz(atlas, of),
            f"{_file_name(of, atlas, view)}.npz",
            key="get-maps" if key == KEY else f"{key}-get-maps",
            icon=":material/download:",
            # A download must not run the page again.
            on_click="ignore",
            help=f"Every encoder, layer and head for frames {first} to {end - 1}, float16",
        )
    return state


def card(method: str) -> CheckpointInfo:
    """The summary of a checkpoint, from its files."""
    return next(summary for summary in list_checkpoints() if summary.name == method)


def beside_the_maps(atlas: Atlas, method: str) -> None:
    """How far to trust the maps, and the convolution in the layers, which no map shows."""
    reliability, convolution = st.columns([1, 1], gap="large")
    with reliability:
        st.markdown("**How far to trust these maps**")
        measured = card(method).metrics.get("attention")
        if not measured or not measured.get("rows"):
            st.caption(
                "Not measured for this checkpoint: it is not known whether its maps point at the "
                "music that decides a frame. `python -m training benchmark attention` measures it."
            )
        else:
            st.markdown(escape.markdown(measured["sentence"]))
            st.html(trust_chart(measured, "drums"))
            st.caption(
                "Precision: of the frames that each method ranks highest, the share that are drum "
                f"strokes which decide the pose. From {escape.markdown(measured['clips'])} "
                "synthetic test dances with a known rule. Line: 95 % interval; "
                "dashes: chance level."
            )
    with convolution:
        st.markdown("**What the maps do not show**")
        if atlas.trace.convolution:
            st.caption(
                "Half of each layer is a convolution over nine neighbouring frames. Its share of "
                "the layer's output, and the mean kernel of each head:"
            )
            st.html(convolution_figure(atlas.trace.convolution))
        else:
            st.caption(
                "The attention layers of this network have no convolution inside. The maps do not "
                "show the convolution over five frames beside them, nor the feed-forward layers."
            )


def _look_there(request: Request) -> None:
    frame = (st.session_state.get(KEY) or {}).get("window")
    if frame is not None:
        st.session_state.attention_frame = (request, int(frame))


def what_it_shows(atlas: Atlas, view: View) -> str:
    """What rows and columns of this network's maps are, in one or two sentences."""
    if atlas.joined_in_time:
        text = (
            "The cross-modal encoder reads motion and music as one sequence, so its maps have four "
            "blocks. Each row of a whole map sums to 1 over the two blocks that it crosses."
        )
    elif "cross" in atlas.trace.encoders:
        text = (
            "This network joins motion and music in each frame: its cross-modal maps go **from "
            "frame to frame** and cannot tell whether it looked at the motion or the music "
            "of a frame."
        )
    else:
        text = "This network uses motion only: its maps go **from frame to frame**."
    return text + " Attention says where a network looked, not why it moved that way."


def sides(view: View) -> tuple[str, str]:
    """What the rows and the columns of a view stand for."""
    if view.block:
        query, key = view.block.split("-")
        return query, key
    return (view.stage, view.stage) if view.stage in SIDES else ("frame", "frame")


# The first three arguments identify the payload: Streamlit does not hash names that begin with
# an underscore. `cache_data` would copy the megabytes on every hit.
@st.cache_resource(max_entries=12, show_spinner=False)
def _payload(
    what: str, window: tuple[int, int], view_name: str, *, _atlas: Atlas, _of: Mapped
) -> bytes:
    view = _atlas.parse(view_name)
    blocks = [
        (str(View(view.stage, block, view.layer, view.head)), block.replace("-", " → "))
        for block in _atlas.blocks(view.stage)
        if block
    ]
    music = _of.music
    name = STAGE_NAMES.get(view.stage, view.stage)
    return pack_attention(
        _atlas.map(view),
        _tiles(_atlas, view),
        view=str(view),
        label=f"{name}, {view.label}",
        sides=sides(view),
        window=window,
        # The timeline's length: a window of generated frames may reach beyond the motion's end.
        frames=len(_of.hidden),
        fps=_of.fps,
        beats=music.beats if music else None,
        bars=bar_lines(music) if music else None,
        hidden_frames=np.asarray(_of.hidden.any(axis=1)),
        blocks=blocks,
        title=f"{_atlas.model_name} on {_of.title or _of.name}, "
        f"frames {window[0]} to {window[1] - 1}",
        name=_file_name(_of, _atlas, view),
        channel=_of.channel,
    )


def _tiles(atlas: Atlas, view: View) -> list[Tiles]:
    """One group for each encoder; an encoder with blocks shows the chosen one, or the first."""
    groups = []
    # The last encoder first: it is the most informative one.
    for stage, maps in reversed(list(atlas.trace.encoders.items())):
        block = view.block if stage == view.stage else atlas.blocks(stage)[0]
        views = list(atlas.views(stage, block))
        name = STAGE_NAMES.get(stage, stage) + (f", {block.replace('-', ' → ')}" if block else "")
        # Means over layers or heads carry words in place of numbers and have no score.
        is_head = [each.layer.isdigit() and each.head.isdigit() for each in views]
        scores = {
            kind: [
                float(table[int(each.layer), int(each.head)]) if head else None
                for each, head in zip(views, is_head, strict=True)
            ]
            for kind, table in atlas.scores[stage].items()
        }
        groups.append(
            Tiles(
                stage,
                name,
                list(map(str, views)),
                [each.label for each in views],
                maps.shape[1] + 1,
                atlas.thumbnails[stage, block],
                is_head,
                scores,
            )
        )
    return groups


def _file_name(of: Mapped, atlas: Atlas, view: View) -> str:
    # A model's name may be a path, and a slash cannot be part of a file name.
    model = atlas.model_name.rsplit("/", 1)[-1]
    parts = (of.name, model, "attention", view.stage, view.block, view.layer, view.head)
    return "-".join(part for part in parts if part)


def _npz(atlas: Atlas, of: Mapped) -> bytes:
    trace, file = atlas.trace, io.BytesIO()
    np.savez_compressed(
        file,
        **trace.to_arrays(),
        # Cut to the window, so that its rows match those of the maps.
        hidden=of.hidden[slice(*trace.frames)],
        # As an array, the name can be read back without pickle.
        model=np.array(atlas.model_name),
    )
    return file.getvalue()
