"""Which entries of a clip are hidden from the model, and the SPEC language that says so.

The polarity, once and for all: ``hidden`` is **True where the model may not look**. The root's position belongs to
joint 0: it is hidden where joint 0 is.

SPEC is what the command line and the dashboard's URL use::

    random:0.15   every:15   span:88-98   first   keep:5,hide:5   frames:3,9,40-60   none

each optionally followed by ``@`` and joint groups or joint names (``span:30-60@left_arm,right_arm``); several are
joined by ``+``. Spans and frame ranges include both ends. Terms are read from left to right, so that what is said later
wins; what a hand says after a pattern are *edits*::

    hide:20-40   known:10,20-30   pin:30,45-50   unpin:45-50

``known:`` takes back what terms before it hid. ``pin:`` does, and no later term hides these entries, until ``unpin:``
lets them go (they stay known until a term hides them). Two more edits change the motion itself, ``pose:120=40`` and
``retime:30-60=45``; they are read by ``mmm.edits.apply``, which reads all the others too.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool

from mmm.errors import SpecError
from mmm.motion.clip import Clip
from mmm.motion.skeleton import Skeleton

Array = np.ndarray

SPEC_HELP = (
    "random:0.15, every:15, span:88-98, first, keep:5,hide:5, frames:3,9,40-60 or none; @left_arm,legs after "
    "it; then edits: hide:20-40, known:3, pin:3, unpin:3, pose:120=40, retime:30-60=45"
)
EDITS = ("hide", "known", "pin", "unpin", "pose", "retime")
"""Kinds of terms that a user's hand adds to a pattern; see :func:`split`."""


@dataclass(frozen=True, eq=False)
class Mask:
    """A pattern of hidden entries."""

    hidden: Bool[Array, "T J"]
    """True = hidden from the model. Column 0, the root joint, hides the root's position too."""
    label: str
    """The SPEC that makes this mask again (with the same seed)."""
    pinned: Bool[Array, "T J"] | None = None
    """Known entries that no further term hides; None where there are none."""

    def __repr__(self) -> str:
        return (
            f"Mask({self.label!r}, {int(self.hidden.sum())} of {self.hidden.size} entries hidden)"
        )

    @property
    def frames(self) -> Bool[Array, "T"]:
        """Frames in which anything is hidden."""
        return np.asarray(self.hidden.any(axis=1))

    def __or__(self, other: "Mask") -> "Mask":
        if self.pinned is not None or any(
            kind_of(t) in ("known", "pin", "unpin") for t in other.label.split("+")
        ):
            raise SpecError(
                "mask | mask",
                "terms that make frames known",
                "masks that only hide",
                "join the SPECs with + and parse them as one",
            )
        return Mask(self.hidden | other.hidden, f"{self.label}+{other.label}")


def _whole(clip: Clip, frames: Array, label: str) -> Mask:
    hidden = np.zeros((len(clip), len(clip.motion.skeleton)), dtype=bool)
    hidden[frames] = True
    return Mask(hidden, label)


def random(clip: Clip, share: float = 0.15, seed: int = 0) -> Mask:
    """Each frame hidden with probability ``share`` (0 to 1), one or more and not all; the original's pre-training."""
    label = f"random:{np.format_float_positional(share, trim='-')}"  # every digit, so that it makes this mask again
    if not 0 < share < 1:
        raise SpecError(
            label, "a share outside 0 to 1", "more than 0 and less than 1", "try random:0.15"
        )
    chosen = np.random.default_rng(seed).random(len(clip)) < share
    rng = np.random.default_rng([seed, 1])
    if not chosen.any():
        chosen[rng.integers(len(clip))] = True
    if chosen.all():
        chosen[rng.integers(len(clip))] = False
    return _whole(clip, chosen, label)


def every_nth(clip: Clip, keep_each: int) -> Mask:
    """Frames 0, n, 2n, ... are known, all between hidden: the original's fixed-pattern task."""
    if keep_each < 2:
        raise SpecError(
            f"every:{keep_each}", "nothing would be hidden", "a step of 2 or more", "try every:15"
        )
    return _whole(clip, np.arange(len(clip)) % keep_each != 0, f"every:{keep_each}")


def span(clip: Clip, first_frame: int, last_frame: int) -> Mask:
    """One gap, both ends included.

    Raises:
        SpecError: the gap is not inside the clip.
    """
    _check_range(clip, first_frame, last_frame, f"span:{first_frame}-{last_frame}")
    return _whole(clip, np.arange(first_frame, last_frame + 1), f"span:{first_frame}-{last_frame}")


def first(clip: Clip) -> Mask:
    """The first frame hidden, as in the original's evaluation."""
    return _whole(clip, np.array([0]), "first")


def keep_hide(clip: Clip, keep: int, hide: int) -> Mask:
    """``keep`` frames known, then ``hide`` frames hidden, again and again."""
    if keep < 1 or hide < 1:
        raise SpecError(
            f"keep:{keep},hide:{hide}", "a count below 1", "both 1 or more", "try keep:5,hide:5"
        )
    return _whole(clip, np.arange(len(clip)) % (keep + hide) >= keep, f"keep:{keep},hide:{hide}")


def frames(clip: Clip, chosen: Iterable[int]) -> Mask:
    """Just these frames hidden."""
    wanted = sorted(set(chosen))
    if not wanted:
        raise SpecError(
            "frames", "no frame named", "at least one frame", "for example frames:3,9,40-60"
        )
    for frame in (wanted[0], wanted[-1]):
        _check_range(clip, frame, frame, f"frames:{frame}")
    return _whole(clip, np.array(wanted), f"frames:{_ranges(wanted)}")


def none(clip: Clip) -> Mask:
    """Nothing hidden."""
    return _whole(clip, np.array([], dtype=int), "none")


def joints(clip: Clip, mask: Mask, names: Sequence[str]) -> Mask:
    """The same frames, but only these joints or joint groups (``left_arm``, ``legs``, ``upper``, ``root``, ...).

    Raises:
        SpecError: a name is neither a group nor a joint of the clip's skeleton, or there is none.
    """
    skeleton = clip.motion.skeleton
    only = np.zeros(mask.hidden.shape[1], dtype=bool)
    only[joint_indices(skeleton, names)] = True
    terms = [_restricted(skeleton, term, names) for term in mask.label.split("+")]
    pinned = None if mask.pinned is None else mask.pinned & only
    return Mask(
        mask.hidden & only, "+".join(terms), pinned if pinned is not None and pinned.any() else None
    )


def _restricted(skeleton: Skeleton, term: str, names: Sequence[str]) -> str:
    """One term of a label, kept to these joints; a term knows one ``@`` only, so two of them are worked out."""
    pattern, at, before = term.partition("@")
    if at:
        both = set(joint_indices(skeleton, before.split(","))) & set(joint_indices(skeleton, names))
        names = [skeleton.names[joint] for joint in sorted(both)]
    return f"{pattern}@{','.join(names)}" if names else "none"


def joint_indices(skeleton: Skeleton, names: Sequence[str]) -> list[int]:
    """Joints of the named groups or single joints, ascending."""
    chosen: set[int] = set()
    place = {
        name.replace(" ", ""): joint for joint, name in enumerate(skeleton.names)
    }  # a SPEC has no spaces
    if not names:
        raise SpecError(
            "@",
            "no joint named",
            f"a group ({', '.join(skeleton.groups)}) or a joint",
            "for example @left_arm",
        )
    for name in names:
        if name in skeleton.groups:
            chosen.update(skeleton.groups[name])
        elif name.replace(" ", "") in place:
            chosen.add(place[name.replace(" ", "")])
        else:
            raise SpecError(
                f"@{name}",
                "no such joint or group",
                f"a group ({', '.join(skeleton.groups)}) or a joint ({', '.join(skeleton.names)})",
                "check the spelling",
            )
    return sorted(chosen)


def _check_range(clip: Clip, low: int, high: int, where: str) -> None:
    if not 0 <= low <= high < len(clip):
        raise SpecError(
            where,
            f"not inside the clip's {len(clip)} frames",
            f"0 to {len(clip) - 1}, the lower first",
            "choose frames of the clip",
        )


def _ranges(ordered: Sequence[int]) -> str:
    runs: list[list[int]] = []
    for frame in ordered:
        if runs and frame == runs[-1][1] + 1:
            runs[-1][1] = frame
        else:
            runs.append([frame, frame])
    return ",".join(f"{a}" if a == b else f"{a}-{b}" for a, b in runs)


def _chosen(clip: Clip, kind: str, text: str) -> Mask:
    """The frames that a term names."""
    chosen: list[int] = []
    for part in text.split(","):
        low, _, high = part.partition("-")
        _check_range(
            clip, int(low), int(high or low), f"{kind}:{part}"
        )  # before a list of that length is made
        chosen.extend(range(int(low), int(high or low) + 1))
    mask = frames(clip, chosen)
    return replace(mask, label=f"{kind}:{mask.label.partition(':')[2]}")


_N = r"([0-9]{1,9})"
_RANGE = r"[0-9]{1,9}(?:-[0-9]{1,9})?"


_PATTERNS: tuple[tuple[str, Callable[[Clip, int, re.Match[str]], Mask]], ...] = (
    (r"random:([0-9]*\.?[0-9]+)", lambda clip, seed, m: random(clip, float(m[1]), seed)),
    (rf"every:{_N}", lambda clip, seed, m: every_nth(clip, int(m[1]))),
    (rf"span:{_N}-{_N}", lambda clip, seed, m: span(clip, int(m[1]), int(m[2]))),
    (r"first", lambda clip, seed, m: first(clip)),
    (rf"keep:{_N},hide:{_N}", lambda clip, seed, m: keep_hide(clip, int(m[1]), int(m[2]))),
    (
        rf"(frames|hide|known|pin|unpin):({_RANGE}(?:,{_RANGE})*)",
        lambda clip, seed, m: _chosen(clip, m[1], m[2]),
    ),
    (r"none", lambda clip, seed, m: none(clip)),
)


def parse(spec: str, clip: Clip, seed: int = 0) -> Mask:
    """The mask that a SPEC describes on this clip; the same text, clip and seed always give the same mask.

    Raises:
        SpecError: the text is not a SPEC, does not fit the clip, or changes the motion (see ``mmm.edits.apply``).
    """
    result: Mask | None = None
    for term in spec.replace(" ", "").split("+"):
        if kind_of(term) in ("pose", "retime"):
            raise SpecError(
                f"SPEC {spec!r}",
                f"{term!r} changes the motion, not only what is hidden of it",
                "a mask alone",
                "use mmm.edits.apply, which gives clip and mask",
            )
        result = after(result, term, clip, seed)
    assert result is not None  # split never gives an empty list
    return result


def after(before: Mask | None, term: str, clip: Clip, seed: int = 0) -> Mask:
    """The mask once a further term is read; ``before`` is None for the first.

    Raises:
        SpecError: the term is none, or does not fit the clip.
    """
    pattern, at, group_text = term.partition("@")
    for regex, build in _PATTERNS:
        if match := re.fullmatch(regex, pattern):
            named = build(clip, seed, match)
            break
    else:
        raise SpecError(f"SPEC {term!r}", f"{pattern!r} is not a pattern", SPEC_HELP, "correct it")
    if at:
        named = joints(clip, named, [name for name in group_text.split(",") if name])
    hidden = np.zeros_like(named.hidden) if before is None else before.hidden
    pinned = (
        np.zeros_like(named.hidden) if before is None or before.pinned is None else before.pinned
    )
    kind = kind_of(pattern)
    if kind in ("known", "pin"):
        hidden = hidden & ~named.hidden
        pinned = pinned | named.hidden if kind == "pin" else pinned
    elif kind == "unpin":
        pinned = pinned & ~named.hidden
    else:
        hidden = hidden | (named.hidden & ~pinned)
    return Mask(
        hidden,
        joined("" if before is None else before.label, named.label),
        pinned if pinned.any() else None,
    )


def joined(label: str, term: str) -> str:
    """A SPEC with one more term."""
    return f"{label}+{term}" if label else term


def kind_of(term: str) -> str:
    """What a term begins with: ``pin`` of ``pin:3-5@legs``."""
    return term.partition(":")[0]


def split(spec: str) -> tuple[str, tuple[str, ...]]:
    """The pattern of a SPEC (``none`` where it has none) and the edits that follow it, from the first edit on."""
    terms = spec.replace(" ", "").split("+")
    first_edit = next((n for n, term in enumerate(terms) if kind_of(term) in EDITS), len(terms))
    return "+".join(terms[:first_edit]) or "none", tuple(terms[first_edit:])
