"""Export of a generated dance: files to download, and code that generates it again."""

import json
import shlex
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from dashboard.common.downloads import (
    PAGE_HELP,
    Keys,
    bytes_of,
    film_controls,
    motion_buttons,
    save_button,
)
from dashboard.files import entries, songs
from dashboard.files.characters import character_export
from dashboard.files.import_options import path_of, python_reading, shell_reading
from dashboard.generate.controls import Plan
from dashboard.generate.variant_picker import pick_variant
from dashboard.work.generations import CHANNEL, Made
from mmm.io.files import safe_name

if TYPE_CHECKING:
    from mmm.viewer.scene import Scene

KEYS = Keys(choices="gen_", buttons="gen_get-")


@st.fragment
def export_section(made: list[Made]) -> None:
    """Downloads of one variant. A fragment, so that the viewer keeps playing."""
    st.header("Export", anchor=False)
    variant = pick_variant(made, "gen_exported")
    # Without commas and spaces, which would need quotes in a shell.
    name = safe_name(
        f"{variant.generation.clip.name}-{variant.ask.label}".replace(", ", "-").replace(" ", "-")
    )
    with st.container(key="gen-export"):
        motion, metrics, video = st.columns([4, 2, 6], gap="large")
    with motion:
        st.markdown("**Motion** (seed and generated frames)")
        motion_buttons(variant.generation, variant.generation.clip, name, KEYS)
        character_export(variant.generation.clip, name, KEYS, variant.ask.roles)
    with metrics:
        st.markdown("**Metrics**")
        save_button(
            "JSON",
            partial(_metrics, variant),
            f"{name}.json",
            "All metrics, with those of the recorded motion and of standing still",
            KEYS,
        )
    with video:
        st.markdown("**Video and web page**")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            save_button(
                "Web page",
                partial(bytes_of, variant.generation, "html"),
                f"{name}.html",
                PAGE_HELP,
                KEYS,
            )
            film_controls(
                lambda layout: variant.ask,
                partial(_scene, variant),
                name,
                variant.generation.clip.motion,
                KEYS,
                CHANNEL,
            )


def _scene(variant: Made, layout: str) -> "Scene":
    return variant.generation.scene()


def _metrics(variant: Made) -> bytes:
    from mmm.generation.result import report  # torch is loaded by now: there is a result

    return json.dumps(report(variant.generation, variant.numbers), indent=1).encode()


@st.fragment
def code_section(plan: Plan) -> None:
    """The shell command and the Python code; drawn only when the box is open.

    The code highlighter is 1.6 MB of JavaScript, which would delay the viewer.
    """
    box = st.expander("Command line and Python", key="gen_commands", on_change="rerun")
    if not box.open:
        return
    with box:
        if line := command_line(plan):
            st.code(line, language="bash", wrap_lines=True)
        st.code(python_code(plan), language="python", wrap_lines=True)


def command_line(plan: Plan) -> str:
    """The shell command that generates the same dance.

    The string is empty for a later seed and for silence, because the command line continues a
    file's first frames to that file's music.
    """
    if plan.start or _is_muted(plan):
        return ""
    words = ["python", "-m", "mmm", "generate", path_of(plan.entry), *shell_reading(plan.entry)]
    words += ["--checkpoint", plan.ask.method, "--seed-frames", str(plan.ask.setting.prefix_frames)]
    words += ["--frames", str(plan.ask.frames)]
    if song := _song_file(plan):
        words += ["--music", song]
        words += ["--music-start", f"{plan.song.start_s:g}"] if plan.song.start_s else []
    if plan.ask.is_random:
        # ``--variety`` is the command's name for the temperature.
        words += ["--variety", f"{plan.ask.temperature:g}", "--seed", str(plan.ask.seed)]
    for role, joint in plan.ask.roles:
        words += ["--role", f"{role}={joint}"]
    return shlex.join([*words, "--metrics", "metrics.json", "--out", "generated.bvh"])


def python_code(plan: Plan) -> str:
    """The Python code that generates the same dance."""
    ask, song, muted = plan.ask, _song_file(plan), _is_muted(plan)
    load_options = ", ".join([repr(path_of(plan.entry)), *python_reading(plan.entry)])
    options = [f"prefix_frames={ask.setting.prefix_frames}", f"frames={ask.frames}"]
    if song:
        start = f", start_s={plan.song.start_s:g}" if plan.song.start_s else ""
        options.append(f"music=load_music({song!r}, clip.motion.fps{start})")
    if ask.is_random:
        options += [f"temperature={ask.temperature:g}", f"random_seed={ask.seed}"]
    if ask.roles:
        options.append(f"joint_names={dict(ask.roles)!r}")
    lines = [
        "import mmm",
        *(["from dataclasses import replace"] if muted else []),
        *(["from mmm.music import load_music"] if song else []),
        "",
        f"clip = mmm.load_clip({load_options})",
        *([f"clip = clip.crop({plan.start}, len(clip))"] if plan.start else []),
        *(["clip = replace(clip, music=None)"] if muted else []),
        f'model = mmm.load_model("{ask.method}")',
        f"made = mmm.generate_clip(model, clip, {', '.join(options)})",
        'mmm.save_clip(made.clip, "generated.bvh")',
    ]
    return "\n".join(lines)


def _is_muted(plan: Plan) -> bool:
    """Whether the clip has music that the user turned off."""
    return plan.song.key == songs.NONE and plan.clip.music is not None


def _song_file(plan: Plan) -> str:
    """The path of the chosen recording; empty for the clip's own music and for none."""
    if plan.song.key in (songs.OWN, songs.NONE):
        return ""
    if plan.song.key.startswith(songs.UPLOADED):
        return plan.song.key.removeprefix(songs.UPLOADED)
    # Every other key names a recording in one of the folders.
    path = songs.path_of(plan.song.key)
    assert path is not None
    # Relative if it lies in the project: the page must not show the server's folders.
    return str(path.relative_to(entries.ROOT) if path.is_relative_to(entries.ROOT) else path)
