"""The command line and the Python code that reproduce what the page shows."""

import shlex
from collections.abc import Sequence

import streamlit as st

from dashboard.files.import_options import path_of, python_reading, shell_reading
from dashboard.recover.choices import Choices
from mmm.edits import changes_motion
from mmm.interpolation.baselines import BASELINES


@st.fragment
def code_section(choices: Choices, beside: Sequence[str] = ()) -> None:
    """The box at the end of the page; its content is drawn only when it is open.

    The code highlighter is 1.6 MB of JavaScript, which would delay the viewer.
    """
    box = st.expander("Command line and Python", key="commands", on_change="rerun")
    if not box.open:
        return
    with box:
        st.code(
            shlex.join(shell_words(choices, beside)),
            language="bash",
            wrap_lines=True,
        )
        st.code(python_lines(choices, beside), language="python")


def shell_words(choices: Choices, beside: Sequence[str] = ()) -> list[str]:
    """The words of the shell command."""
    first, end = choices.frames
    song, label = choices.song, choices.mask.label
    words = ["python", "-m", "mmm", "recover", path_of(choices.entry)]
    words += ["--frames", f"{first}:{end}", *shell_reading(choices.entry)]
    # The bare name: the path of an uploaded song is unknown to the page.
    words += ["--music", song[0].name, "--music-start", f"{song[1]:g}"] if song else []
    words += ["--checkpoint", choices.method, "--hide", label]
    # Only random patterns depend on the seed.
    words += ["--seed", str(choices.desk.seed)] if choices.is_random else []
    for role, joint in choices.roles:
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


def python_lines(choices: Choices, beside: Sequence[str] = ()) -> str:
    """The Python code."""
    song, label = choices.song, choices.mask.label
    options = [repr(path_of(choices.entry))]
    options += [f"music={song[0].name!r}", f"music_start_s={song[1]:g}"] if song else []
    options.append("frames=({}, {})".format(*choices.frames))
    options += python_reading(choices.entry)
    what = f'"{label}", clip, seed={choices.desk.seed}'
    # Pasted poses and changed gap lengths alter the clip itself, which a mask cannot express.
    if changes_motion(label):
        known, given = f"edited = mmm.edits.apply({what})", "edited.clip, edited.mask"
    else:
        known, given = f"hidden = mmm.masks.parse({what})", "clip, hidden"
    names = f", joint_names={dict(choices.roles)!r}" if choices.roles else ""

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
        f"result = {by(choices.method)}",
        "print(result.errors.summary())",
    ]
    if beside:
        lines.append(f"result.show({', '.join(map(by, beside))})")
    return "\n".join(lines)
