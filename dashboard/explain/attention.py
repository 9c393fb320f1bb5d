"""What the network looks at, on the page: maps on demand, beside what they can and cannot say."""

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import streamlit as st
from jaxtyping import Bool

from dashboard.common import url
from dashboard.components.attention import AttentionState, Tiles, attention, pack_attention
from dashboard.explain.asking import answer
from dashboard.explain.figures import convolution_figure, trust_chart
from dashboard.explain.interventions import what_if
from dashboard.work import questions
from dashboard.work.attention_maps import STAGE_NAMES, Atlas, View
from dashboard.work.recoveries import Request
from mmm import Clip, Music
from mmm.checkpoints import CheckpointInfo, list_checkpoints
from mmm.interpolation.baselines import BASELINES
from mmm.masks import Mask
from mmm.music.features import bar_lines

Array = np.ndarray

KEY = "attention"
SIDES = {"motion": "motion", "music": "music"}


@st.fragment
def attention_section(clip: Clip, mask: Mask, request: Request) -> None:
    """A section that is opened on demand; nothing is captured before. A fragment: the stage plays on."""
    place = st.expander(
        "Attention: what the network looks at", key="attention_open", on_change="rerun"
    )
    url.share_maps()
    if not place.open:
        return
    with place:
        if request.method in BASELINES:
            st.caption(
                f"{request.method} is an interpolation: it looks at nothing. Choose a network."
            )
            return
        frame = _frame(request, clip, mask)
        atlas = questions.answers().find(request, frame) or answer(
            questions.Question(request, "attention", (frame,)),
            lambda: questions.capture(request, clip, mask, frame),
            "Show the maps",
        )
        if atlas is not None:
            state = show_maps(
                atlas,
                Mapped(clip.name, mask.hidden, clip.motion.fps, clip.music),
                repr(request),
                KEY,
                lambda: _look_there(request),
            )
            beside_the_maps(atlas, request.method)
            if card(request.method).uses_music:
                what_if(clip, mask, request, state.span)


def _frame(request: Request, clip: Clip, mask: Mask) -> int:
    """Of long clips, the frame whose window is shown: where the user asked, else in the first hidden stretch."""
    asked = st.session_state.get("attention_frame")
    if asked is not None and asked[0] == request and asked[1] < len(clip):
        return int(asked[1])
    hidden = np.flatnonzero(mask.frames)
    return int(hidden[len(hidden) // 2]) if len(hidden) else 0


@dataclass(frozen=True, eq=False)
class Mapped:
    """What maps are of."""

    name: str
    hidden: Bool[Array, "T J"]
    """Of all frames on the timeline."""
    fps: float
    music: Music | None
    channel: str = "main"


def show_maps(
    atlas: Atlas, of: Mapped, what: str, key: str, on_window: Callable[[], None]
) -> AttentionState:
    """The maps of a window, in words, as a view and as a file.

    Args:
        what: changes with what the maps are of.
        key: of the view; its download is called ``get-maps`` after it.
        on_window: as ``attention`` has it.
    """
    view = atlas.parse(
        (st.session_state.get(key) or {}).get("view") or st.session_state.get("url_maps")
    )
    st.caption(what_it_shows(atlas, view))
    payload = _payload(what, atlas.trace.frames, str(view), _atlas=atlas, _of=of)
    found = attention(payload, key=key, on_window=on_window)
    first, end = atlas.trace.frames
    with st.container(horizontal=True):
        st.download_button(
            "All maps, NPZ",
            lambda: _npz(atlas, of),
            f"{_file_name(of, atlas, view)}.npz",
            key="get-maps" if key == KEY else f"{key}-get-maps",
            icon=":material/download:",
            on_click="ignore",
            help=f"Every stage, layer and head of frames {first} to {end - 1}, float16",
        )
    return found


def card(method: str) -> CheckpointInfo:
    """What the checkpoint's files say of it."""
    return next(one for one in list_checkpoints() if one.name == method)


def beside_the_maps(atlas: Atlas, method: str) -> None:
    """How far the maps may be trusted, and the half of the layers that they do not show."""
    trust, convolution = st.columns([1, 1], gap="large")
    with trust:
        st.markdown("**How far to trust these maps**")
        measured = card(method).metrics.get("attention")
        if not measured or not measured.get("rows"):
            st.caption(
                "Not measured for this checkpoint: whether its maps point at the music that decides a frame is "
                "not known. `python -m training.benchmark attention` measures it on the dance set."
            )
        else:
            st.markdown(measured["sentence"])
            st.html(trust_chart(measured, "drums"))
            st.caption(
                f"Of the frames each way ranks highest, the share that are drum strokes which decide the pose; "
                f"{measured['clips']} test dances, whose rule is known. Line: 95 % interval; dashes: chance."
            )
    with convolution:
        st.markdown("**What no map shows**")
        if atlas.trace.convolution:
            st.caption(
                "Half of every layer is a convolution over nine neighbouring frames. Its share of what the "
                "layer passes on, and the mean kernel of each head:"
            )
            st.html(convolution_figure(atlas.trace.convolution))
        else:
            st.caption(
                "This network has no convolution inside its attention layers; one beside them, over five "
                "frames, and its feed-forward parts are in no map."
            )


def _look_there(request: Request) -> None:
    frame = (st.session_state.get(KEY) or {}).get("window")
    if frame is not None:
        st.session_state.attention_frame = (request, int(frame))


def what_it_shows(atlas: Atlas, view: View) -> str:
    """In one or two sentences, what rows and columns of this network's maps are."""
    if atlas.joined_in_time:
        text = "Motion and music stand one behind the other in the cross-modal encoder, so its maps have four blocks."
        text += " Each row of a whole map sums to 1; what a row lacks in one block it looks at in the other."
    elif "cross" in atlas.trace.stages:
        text = (
            "This network joins motion and music frame by frame, as one row: its cross-modal maps go **from frame "
            "to frame**, and cannot tell whether the motion or the music of a frame was looked at."
        )
    else:
        text = "This network sees motion alone: its maps go **from frame to frame**."
    return text + " Attention says where a network looked, not why it moved."


def sides(view: View) -> tuple[str, str]:
    """What the rows and the columns of a view are."""
    if view.block:
        query, key = view.block.split("-")
        return query, key
    return (view.stage, view.stage) if view.stage in SIDES else ("frame", "frame")


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
        frames=len(_of.hidden),
        fps=_of.fps,
        beats=music.beats if music else None,
        bars=bar_lines(music) if music else None,
        hidden_frames=np.asarray(_of.hidden.any(axis=1)),
        blocks=blocks,
        title=f"{_atlas.model_name} on {_of.name.replace('_', ' ')}, frames {window[0]} to {window[1] - 1}",
        name=_file_name(_of, _atlas, view),
        channel=_of.channel,
    )


def _tiles(atlas: Atlas, view: View) -> list[Tiles]:
    """One group a stage; a stage with blocks shows the chosen one, or the first."""
    found = []
    for stage, maps in reversed(
        list(atlas.trace.stages.items())
    ):  # the last encoder is what most came for
        block = view.block if stage == view.stage else atlas.blocks(stage)[0]
        views = list(atlas.views(stage, block))
        name = STAGE_NAMES.get(stage, stage) + (f", {block.replace('-', ' → ')}" if block else "")
        one = [each.layer.isdigit() and each.head.isdigit() for each in views]
        scores = {
            kind: [
                float(table[int(each.layer), int(each.head)]) if head else None
                for each, head in zip(views, one, strict=True)
            ]
            for kind, table in atlas.scores[stage].items()
        }
        found.append(
            Tiles(
                stage,
                name,
                list(map(str, views)),
                [each.label for each in views],
                maps.shape[1] + 1,
                atlas.thumbnails[stage, block],
                one,
                scores,
            )
        )
    return found


def _file_name(of: Mapped, atlas: Atlas, view: View) -> str:
    model = atlas.model_name.rsplit("/", 1)[-1]
    parts = (of.name, model, "attention", view.stage, view.block, view.layer, view.head)
    return "-".join(part for part in parts if part)


def _npz(atlas: Atlas, of: Mapped) -> bytes:
    trace, file = atlas.trace, io.BytesIO()
    np.savez_compressed(
        file,
        **trace.to_arrays(),
        hidden=of.hidden[slice(*trace.frames)],
        model=np.array(atlas.model_name),
    )
    return file.getvalue()
