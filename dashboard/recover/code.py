"""The command line and the Python code that make what the page shows."""

import shlex
from collections.abc import Sequence

import streamlit as st

from dashboard.common import model_picker
from dashboard.files.entries import Entry
from dashboard.files.import_options import path_of, python_reading, shell_reading
from dashboard.files.uploaded_music import Chosen
from mmm.edits import changes_motion
from mmm.interpolation.baselines import BASELINES
from mmm.masks import Mask


@st.fragment
def code_section(
    entry: Entry,
    frames: tuple[int, int],
    song: Chosen,
    mask: Mask,
    seed: int,
    method: str,
    roles: model_picker.Roles,
    beside: Sequence[str] = (),
) -> None:
    """The box at the end of the page. Written only when it is opened.

    The code highlighter is 1.6 MB of JavaScript, which would delay the viewer.
    """
    box = st.expander("Command line and Python", key="commands", on_change="rerun")
    if not box.open:
        return
    with box:
        st.code(
            shlex.join(shell_words(entry, frames, song, mask, seed, method, roles, beside)),
            language="bash",
            wrap_lines=True,
        )
        st.code(
            python_lines(entry, frames, song, mask, seed, method, roles, beside), language="python"
        )


def shell_words(
    entry: Entry,
    frames: tuple[int, int],
    song: Chosen,
    mask: Mask,
    seed: int,
    method: str,
    roles: model_picker.Roles,
    beside: Sequence[str] = (),
) -> list[str]:
    """The words of the shell command."""
    words = [
        "python",
        "-m",
        "mmm",
        "recover",
        path_of(entry),
        "--frames",
        f"{frames[0]}:{frames[1]}",
    ]
    words += shell_reading(entry)
    # The page knows no path of an uploaded song, so its bare name stands here.
    words += ["--music", song[0].name, "--music-start", f"{song[1]:g}"] if song else []
    words += ["--checkpoint", method, "--hide", mask.label]
    # Only random patterns depend on the seed.
    words += ["--seed", str(seed)] if "random" in mask.label else []
    for role, joint in roles:
        words += ["--role", f"{role}={joint}"]
    for name in beside:
        words += ["--beside", name]
    return [
        *words,
        "--metrics",
        "metrics.json",
        "--out",
        # A BVH file holds one motion; a comparison needs the web page.
        "recovered.html" if beside else "recovered.bvh",
    ]


def python_lines(
    entry: Entry,
    frames: tuple[int, int],
    song: Chosen,
    mask: Mask,
    seed: int,
    method: str,
    roles: model_picker.Roles,
    beside: Sequence[str] = (),
) -> str:
    """The Python code."""
    options = [repr(path_of(entry))]
    options += [f"music={song[0].name!r}", f"music_start_s={song[1]:g}"] if song else []
    options.append(f"frames=({frames[0]}, {frames[1]})")
    options += python_reading(entry)
    what = f'"{mask.label}", clip, seed={seed}'
    # Pasted poses and changed gap lengths alter the clip itself, which a mask cannot express.
    if changes_motion(mask.label):
        known, given = f"edited = mmm.edits.apply({what})", "edited.clip, edited.mask"
    else:
        known, given = f"hidden = mmm.masks.parse({what})", "clip, hidden"

    names = f", joint_names={dict(roles)!r}" if roles else ""

    def by(name: str) -> str:
        return (
            f'mmm.interpolate("{name}", {given})'
            if name in BASELINES
            else f'mmm.recover(mmm.load_model("{name}"), {given}{names})'
        )

    lines = [
        "import mmm",
        "",
        f"clip = mmm.load_clip({', '.join(options)})",
        known,
        f"result = {by(method)}",
        "print(result.errors.summary())",
    ]
    if beside:
        lines.append(f"result.show({', '.join(map(by, beside))})")
    return "\n".join(lines)
