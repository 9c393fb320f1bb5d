"""How to make the same dance without the page."""

import shlex

import streamlit as st

from dashboard.files import entries as library
from dashboard.files import songs
from dashboard.files.import_options import path_of, python_reading, shell_reading
from dashboard.generate.controls import Plan


def command_line(plan: Plan) -> str:
    """The shell command; empty where there is none: it goes on from a file's first frames, with its music."""
    if plan.start or (plan.song.key == songs.NONE and plan.clip.music is not None):
        return ""
    words = ["python", "-m", "mmm", "generate", path_of(plan.entry), *shell_reading(plan.entry)]
    words += ["--checkpoint", plan.ask.method, "--seed-frames", str(plan.ask.setting.prefix_frames)]
    words += ["--frames", str(plan.ask.frames)]
    if song := _song_file(plan):
        words += ["--music", song] + (
            ["--music-start", f"{plan.song.start_s:g}"] if plan.song.start_s else []
        )
    if plan.ask.by_chance:
        words += ["--variety", f"{plan.ask.temperature:g}", "--seed", str(plan.ask.seed)]
    for role, joint in plan.ask.roles:
        words += ["--role", f"{role}={joint}"]
    return shlex.join([*words, "--metrics", "metrics.json", "--out", "generated.bvh"])


def python_code(plan: Plan) -> str:
    """The same in Python."""
    ask, song = plan.ask, _song_file(plan)
    lines = ["import mmm"] + (["from mmm.music import load_music"] if song else [])
    lines += [
        "",
        f"clip = mmm.load_clip({', '.join([repr(path_of(plan.entry)), *python_reading(plan.entry)])})",
    ]
    if plan.start:
        lines.append(f"clip = clip.crop({plan.start}, len(clip))")
    if plan.song.key == songs.NONE and plan.clip.music is not None:
        lines = [
            lines[0],
            "from dataclasses import replace",
            *lines[1:],
            "clip = replace(clip, music=None)",
        ]
    since = f", start_s={plan.song.start_s:g}" if plan.song.start_s else ""
    more = f", music=load_music({song!r}, clip.motion.fps{since})" if song else ""
    more += f", temperature={ask.temperature:g}, random_seed={ask.seed}" if ask.by_chance else ""
    more += f", joint_names={dict(ask.roles)!r}" if ask.roles else ""
    lines += [
        f'made = mmm.generate_clip(mmm.load_model("{ask.method}"), clip, prefix_frames={ask.setting.prefix_frames}, '
        f"frames={ask.frames}{more})",
        'mmm.save_clip(made.clip, "generated.bvh")',
    ]
    return "\n".join(lines)


@st.fragment
def commands_section(plan: Plan) -> None:
    """Folded up: what colours code is 1.6 MB of script, which the stage would wait for."""
    place = st.expander(
        "The same from the command line and from Python", key="gen_commands", on_change="rerun"
    )
    if not place.open:
        return
    with place:
        if line := command_line(plan):
            st.code(line, language="bash", wrap_lines=True)
        st.code(python_code(plan), language="python", wrap_lines=True)


def _song_file(plan: Plan) -> str:
    """The recording's file, where it is another than the clip's own."""
    if plan.song.key in (songs.OWN, songs.NONE):
        return ""
    if plan.song.key.startswith(songs.UPLOADED):
        return plan.song.key.removeprefix(songs.UPLOADED)
    path = songs.path_of(plan.song.key)
    assert path is not None
    return str(path.relative_to(library.ROOT) if path.is_relative_to(library.ROOT) else path)
