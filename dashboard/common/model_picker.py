"""The model picker, and the joints that the user assigns to joint roles."""

import zlib
from collections.abc import Sequence

import streamlit as st

from dashboard.common import escape
from dashboard.work.networks import list_checkpoints
from mmm import Clip, MMMError, Skeleton
from mmm.checkpoints import CheckpointInfo, check_fit
from mmm.interpolation.baselines import BASELINES
from mmm.motion.roles import missing_roles

BASELINE_LABELS = {
    "hold": "Hold (keep the last pose)",
    "slerp": "Slerp (straight interpolation)",
    "inertial": "Inertial (slerp that keeps its speed)",
    "spline": "Spline (smooth interpolation)",
}
PREFERRED = ("inbetween", "common-small")
"""Networks on joint roles, best first; others follow by name."""

Roles = tuple[tuple[str, str], ...]


def pick_method(clip: Clip, checkpoints: list[CheckpointInfo]) -> tuple[str, Roles]:
    """Draw the model picker: checkpoints that fit the clip, then the interpolations.

    Returns:
        The method, and the joint roles named by hand that it needs.
    """
    picker, remarks = st.container(), st.container()
    # Networks that generate belong to the other mode.
    checkpoints = [card for card in checkpoints if not card.can_generate]
    on_roles = any(card.representation == "roles" for card in checkpoints)
    with remarks:
        named = name_joints(clip.motion.skeleton) if on_roles else {}
    fitting, unfit = sorted_out(clip, checkpoints, named)
    ordered, default = in_order(clip, fitting)
    names = [*(card.name for card in ordered), *BASELINES]
    state = st.session_state
    # A default follows the clip. The user's own choice stays as long as it fits.
    if state.get("method") not in names or state.method == state.get("method_given"):
        state.method = state.method_given = default
    cards = {card.name: card for card in ordered}
    with picker:
        chosen = st.selectbox(
            "Model", names, key="method", format_func=lambda n: BASELINE_LABELS.get(n, n)
        )
        if chosen in cards:
            st.caption(about(cards[chosen]))
    with remarks:
        for reason in unfit:
            st.caption(f"Not for this clip: {escape.markdown(reason)}")
        if not checkpoints:
            st.caption(
                "No trained network found; interpolations only. "
                "`python -m training pretrain` trains one."
            )
    needs_roles = chosen in cards and cards[chosen].representation == "roles"
    return chosen, tuple(named.items()) if needs_roles else ()


def check(method: str, clip: Clip) -> Roles:
    """The joint roles named by hand that a method needs for this clip.

    Raises:
        MMMError: there is no such method, or it does not fit the clip.
    """
    if method in BASELINES:
        return ()
    cards = {card.name: card for card in list_checkpoints()}
    if method not in cards:
        raise MMMError(
            method, "no such network here", ", ".join(cards), "train it, or bring its checkpoint"
        )
    missing = missing_roles(clip.motion.skeleton)
    named = {
        role: joint for role, joint in st.session_state.get("roles", {}).items() if role in missing
    }
    check_fit(cards[method], clip, named)
    return tuple(named.items()) if cards[method].representation == "roles" else ()


def in_order(clip: Clip, fitting: list[CheckpointInfo]) -> tuple[list[CheckpointInfo], str]:
    """The networks in the order of the picker, and the default method.

    For clips with music, networks of the same skeleton come first. For clips without music,
    networks on joint roles come first, and only those become the default.
    """

    def rank(card: CheckpointInfo) -> tuple[int, str]:
        return (PREFERRED.index(card.name) if card.name in PREFERRED else len(PREFERRED)), card.name

    on_roles = sorted((card for card in fitting if card.representation == "roles"), key=rank)
    others = [card for card in fitting if card.representation != "roles"]
    if clip.music is not None:
        # A network trained on this very skeleton predicts all its joints directly.
        ordered = [*others, *on_roles]
        return ordered, ordered[0].name if ordered else "spline"
    return [*on_roles, *others], on_roles[0].name if on_roles else "spline"


def sorted_out(
    clip: Clip, checkpoints: list[CheckpointInfo], named: dict[str, str]
) -> tuple[list[CheckpointInfo], list[str]]:
    """The checkpoints that fit, and the reasons why the others do not, one line for each reason."""
    fitting: list[CheckpointInfo] = []
    unfit: dict[str, list[str]] = {}
    for card in checkpoints:
        try:
            check_fit(card, clip, named)
            fitting.append(card)
        except MMMError as error:
            mismatch = error.problem.replace(", ...", " and others")
            joint_names = clip.motion.skeleton.names
            if card.representation == "roles":
                reason = f"{mismatch}. Name them under “Name the joints”."
            elif tuple(card.joint_names or ()) != joint_names:
                reason = (
                    f"expects a skeleton of {len(card.joint_names or ())} joints "
                    f"({_some(card.joint_names or ())}); "
                    f"this clip has {len(joint_names)} ({_some(joint_names)})."
                )
            else:
                reason = f"expects {error.expected}; the clip has {mismatch}."
            unfit.setdefault(reason, []).append(card.name)
    return fitting, [_for_all(cards, reason) for reason, cards in unfit.items()]


def _some(names: Sequence[str]) -> str:
    """The first names of a list."""
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


def _for_all(cards: list[str], reason: str) -> str:
    """A reason that several networks may share, as a sentence about all of them."""
    if not reason.startswith("expects "):
        return f"{', '.join(cards)}: {reason}"
    verb = "expects" if len(cards) == 1 else "expect"
    return f"{' and '.join(cards)} {verb}{reason.removeprefix('expects')}"


def about(card: CheckpointInfo) -> str:
    """One line that describes a network."""
    music = "uses music" if card.uses_music else "motion only"
    if card.library is not None:
        music = "dances to the beats of music"
    body = ", of any humanoid at any frame rate" if card.representation == "roles" else ""
    return f"{escape.code(card.network)} network, {music}{body}."


def name_joints(skeleton: Skeleton) -> dict[str, str]:
    """Draw a select box for each joint role that cannot be inferred from the joint names.

    Choices are kept in the session and in the page's address. Nothing is drawn for a skeleton whose
    roles are all known.

    Returns:
        The chosen joint names by role.
    """
    missing = missing_roles(skeleton)
    if not missing:
        return {}
    kept: dict[str, str] = st.session_state.setdefault("roles", {})
    # Keys depend on the skeleton, so that a box does not keep a joint of another one.
    # A checksum and not ``hash``, which changes with every start of the server.
    mark = zlib.crc32(repr(skeleton.names).encode())
    named = {}
    # The key keeps the box open: elements above it come and go, and without a key it would close.
    box = st.expander(
        "Name the joints",
        icon=":material/accessibility_new:",
        key="joints_open",
        on_change="rerun",
    )
    with box:
        for role in missing:
            key = f"role-{mark}-{role}"
            # Set in the session: Streamlit warns if a widget with such a value has a default too.
            if key not in st.session_state:
                st.session_state[key] = (
                    kept.get(role, "") if kept.get(role) in skeleton.names else ""
                )
            joint = st.selectbox(
                role.replace("_", " ").capitalize(),
                ["", *skeleton.names],
                key=key,
                format_func=lambda name: name or "not named",
            )
            if joint:
                named[role] = joint
        st.caption(
            "Networks on joint roles need these joints. The shoulder rotates the upper arm, the "
            "elbow the forearm, the hip the thigh, the knee the shin and the ankle the foot."
        )
    st.session_state.roles = kept | named
    # A role set back to “not named” must leave the address as well.
    for role in missing:
        if role not in named:
            st.session_state.roles.pop(role, None)
    return named
