"""Export of a motion onto a character: the skeleton of an upload or of a file in the library."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import streamlit as st

from dashboard.common import escape
from dashboard.common.downloads import MOTIONS, OWN_KEYS, Keys, bytes_of, save_button
from dashboard.files import import_options, visits
from dashboard.files.entries import Entry, find_entries, open_clip
from mmm import Clip, MMMError, save_clip
from mmm.io.files import safe_name
from mmm.motion.humanoid import match_roles

_FORMATS = ("bvh", "glb", "npz")
"""Formats that hold any skeleton."""


@dataclass(frozen=True, eq=False)
class _OnCharacter:
    """A clip that is retargeted to a character when it is saved."""

    clip: Clip
    character: Clip
    roles: tuple[tuple[str, str], ...]

    def save(self, path: Path) -> None:
        """Write the file in the format of its suffix."""
        # Imported on demand, because the page rarely needs it.
        from mmm.motion.retargeting.retarget import retarget

        save_clip(retarget(self.clip, self.character, joint_names=dict(self.roles)), path)


def character_export(
    clip: Clip, name: str, keys: Keys = OWN_KEYS, roles: Sequence[tuple[str, str]] = ()
) -> None:
    """Choose a character and download the motion on it.

    Args:
        clip: the clip to retarget.
        name: name of the files, without their suffix.
        keys: prefixes of the page's controls.
        roles: joints of the clip that were named by hand.
    """
    offered = {entry.key: entry for entry in (*visits.uploads().entries(), *find_entries())}
    key = f"{keys.buttons}character"
    # An upload that was removed may still be chosen.
    if st.session_state.get(key) not in offered:
        st.session_state.pop(key, None)
    chosen = st.selectbox(
        "Export onto my character",
        list(offered),
        None,
        key=key,
        format_func=lambda entry_key: offered[entry_key].title,
        placeholder="Choose a character",
        help="Retargets the motion to the skeleton of another file: one of your own, which you add "
        "in the side bar, or one of the library. Fingers and props keep the rest pose.",
    )
    if chosen is None:
        return
    entry = import_options.as_corrected(offered[chosen])
    try:
        character = open_clip(entry)
    except MMMError as error:
        st.warning(escape.markdown(error), icon=":material/warning:")
        return
    if problem := _problem(clip, tuple(roles), character, entry):
        st.warning(escape.markdown(problem), icon=":material/warning:")
        return
    result = _OnCharacter(clip, character, tuple(roles))
    with st.container(horizontal=True):
        for suffix in _FORMATS:
            label, help_ = MOTIONS[suffix]
            save_button(
                label,
                partial(bytes_of, result, suffix),
                f"{name}-{safe_name(Path(entry.label).stem)}.{suffix}",
                help_,
                Keys(buttons=f"{keys.buttons}onto-"),
            )


def _problem(clip: Clip, roles: tuple[tuple[str, str], ...], character: Clip, entry: Entry) -> str:
    """The reason why the motion cannot be retargeted, in one line; empty if it can."""
    from mmm.motion.retargeting.rest_pose import rest_pose

    for title, body, names in (
        (clip.name, clip, dict(roles)),
        (entry.title, character, None),
    ):
        try:
            rest_pose(body.motion, match_roles(body.motion.skeleton, names), body.meta)
        except MMMError as error:
            # The cure in the error names arguments that the page does not have.
            return f"{title}: {error.problem}; expected {error.expected}; choose another file"
    return ""
