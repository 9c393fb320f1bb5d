"""Which entries of a clip are hidden from the model.

``hidden`` is **True where the model may not look**. The root's position belongs to joint 0: it is
hidden where joint 0 is. :func:`parse` makes a mask from a SPEC, whose grammar is in
``docs/spec.md``.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool

from mmm.errors import SpecError
from mmm.motion.clip import Clip
from mmm.motion.skeleton import Skeleton, joint_indices
from mmm.spec import Term, joined, kind_of, parse_terms

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Mask:
    """A pattern of hidden entries."""

    hidden: Bool[Array, "T J"]
    """True = hidden from the model. Column 0, the root joint, hides the root's position too."""
    label: str
    """The SPEC that reproduces this mask with the same seed."""
    pinned: Bool[Array, "T J"] | None = None
    """Known entries that later terms cannot hide; None if there are none."""

    def __repr__(self) -> str:
        return (
            f"Mask({self.label!r}, {int(self.hidden.sum())} of {self.hidden.size} entries hidden)"
        )

    @property
    def frames(self) -> Bool[Array, "T"]:
        """Frames in which anything is hidden."""
        return np.asarray(self.hidden.any(axis=1))

    def __or__(self, other: "Mask") -> "Mask":
        # The union ignores order, but terms that make entries known depend on it.
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


def _of_frames(clip: Clip, frames: Array, label: str) -> Mask:
    """A mask that hides all joints in some frames, given by indices or as booleans."""
    hidden = np.zeros((len(clip), len(clip.motion.skeleton)), dtype=bool)
    hidden[frames] = True
    return Mask(hidden, label)


def random(clip: Clip, share: float = 0.15, seed: int = 0) -> Mask:
    """Hide each frame with probability ``share``, but at least one frame and not all.

    This is the masking of pre-training.

    Args:
        share: above 0 and below 1.
        seed: the same seed gives the same frames.

    Raises:
        SpecError: the share is out of range.
    """
    # Every digit of the share is kept, so that the label reproduces this mask.
    label = f"random:{np.format_float_positional(share, trim='-')}"
    if not 0 < share < 1:
        raise SpecError(
            label, "a share outside 0 to 1", "more than 0 and less than 1", "try random:0.15"
        )
    # One draw per frame: a larger share with the same seed hides a superset of frames.
    chosen = np.random.default_rng(seed).random(len(clip)) < share
    # A second generator: the corrected frame must not depend on how many numbers were drawn above.
    rng = np.random.default_rng([seed, 1])
    if not chosen.any():
        chosen[rng.integers(len(clip))] = True
    if chosen.all():
        chosen[rng.integers(len(clip))] = False
    return _of_frames(clip, chosen, label)


def every_nth(clip: Clip, keep_each: int) -> Mask:
    """Keep frames 0, n, 2n, ... and hide all others.

    Raises:
        SpecError: ``keep_each`` is below 2.
    """
    if keep_each < 2:
        raise SpecError(
            f"every:{keep_each}", "nothing would be hidden", "a step of 2 or more", "try every:15"
        )
    return _of_frames(clip, np.arange(len(clip)) % keep_each != 0, f"every:{keep_each}")


def span(clip: Clip, first_frame: int, last_frame: int) -> Mask:
    """Hide one gap, both ends included.

    Raises:
        SpecError: the gap is not inside the clip.
    """
    _check_range(clip, first_frame, last_frame, f"span:{first_frame}-{last_frame}")
    return _of_frames(
        clip, np.arange(first_frame, last_frame + 1), f"span:{first_frame}-{last_frame}"
    )


def first(clip: Clip) -> Mask:
    """Hide the first frame."""
    return _of_frames(clip, np.array([0]), "first")


def keep_hide(clip: Clip, keep: int, hide: int) -> Mask:
    """Keep ``keep`` frames and hide ``hide`` frames, alternately.

    Raises:
        SpecError: either is below 1.
    """
    if keep < 1 or hide < 1:
        raise SpecError(
            f"keep:{keep},hide:{hide}", "a count below 1", "both 1 or more", "try keep:5,hide:5"
        )
    return _of_frames(
        clip, np.arange(len(clip)) % (keep + hide) >= keep, f"keep:{keep},hide:{hide}"
    )


def frames(clip: Clip, chosen: Iterable[int]) -> Mask:
    """Hide single frames.

    Raises:
        SpecError: no frame is named, or one is not in the clip.
    """
    indices = sorted(set(chosen))
    if not indices:
        raise SpecError(
            "frames", "no frame named", "at least one frame", "for example frames:3,9,40-60"
        )
    # The list is sorted: if its first and last frame are in the clip, so are all others.
    for frame in (indices[0], indices[-1]):
        _check_range(clip, frame, frame, f"frames:{frame}")
    return _of_frames(clip, np.array(indices), f"frames:{_ranges(indices)}")


def none(clip: Clip) -> Mask:
    """Hide nothing."""
    return _of_frames(clip, np.array([], dtype=int), "none")


def joints(clip: Clip, mask: Mask, names: Sequence[str]) -> Mask:
    """Restrict a mask to joints or joint groups (``left_arm``, ``legs``, ``upper``, ``root``, ...).

    Raises:
        SpecError: no name is given, or one is neither a group nor a joint of the clip's skeleton.
    """
    # The label is restricted term by term, so that it still reproduces the mask.
    skeleton = clip.motion.skeleton
    only = np.zeros(mask.hidden.shape[1], dtype=bool)
    only[joint_indices(skeleton, names)] = True
    terms = [_restricted(skeleton, term, names) for term in mask.label.split("+")]
    pinned = None if mask.pinned is None else mask.pinned & only
    return Mask(
        mask.hidden & only, "+".join(terms), pinned if pinned is not None and pinned.any() else None
    )


def _restricted(skeleton: Skeleton, term: str, names: Sequence[str]) -> str:
    """One term of a label, restricted to these joints."""
    pattern, restricted, before = term.partition("@")
    # A term takes a single "@". A second restriction is written as the joints in both.
    if restricted:
        both = set(joint_indices(skeleton, before.split(","))) & set(joint_indices(skeleton, names))
        names = [skeleton.names[joint] for joint in sorted(both)]
    return f"{pattern}@{','.join(names)}" if names else "none"


def _check_range(clip: Clip, low: int, high: int, term: str) -> None:
    """Check that a range of frames is inside the clip."""
    if not 0 <= low <= high < len(clip):
        raise SpecError(
            term,
            f"not inside the clip's {len(clip)} frames",
            f"0 to {len(clip) - 1}, the lower first",
            "choose frames of the clip",
        )


def _ranges(ordered: Sequence[int]) -> str:
    """Ascending frames as text, runs shortened: ``3,9,40-60``."""
    runs: list[list[int]] = []
    for frame in ordered:
        if runs and frame == runs[-1][1] + 1:
            runs[-1][1] = frame
        else:
            runs.append([frame, frame])
    return ",".join(f"{a}" if a == b else f"{a}-{b}" for a, b in runs)


def parse(spec: str, clip: Clip, seed: int = 0) -> Mask:
    """The mask that a SPEC describes. The same text, clip and seed always give the same mask.

    Args:
        spec: patterns and edits that only hide; see ``docs/spec.md``.
        clip: the clip to hide entries of.
        seed: random seed of ``random`` patterns.

    Raises:
        SpecError: the text is not a SPEC, does not fit the clip, or changes the motion (see
            ``mmm.edits.apply``).
    """
    mask = Mask(np.zeros((len(clip), len(clip.motion.skeleton)), dtype=bool), "")
    for term in parse_terms(spec):
        if term.changes_motion:
            raise SpecError(
                f"SPEC {spec!r}",
                f"{term.text!r} changes the motion, not only what is hidden of it",
                "a mask alone",
                "use mmm.edits.apply, which gives clip and mask",
            )
        mask = with_term(mask, term, clip, seed)
    return mask


def with_term(mask: Mask, term: Term, clip: Clip, seed: int = 0) -> Mask:
    """The mask after one more term that only hides.

    Raises:
        SpecError: the term does not fit the clip.
    """
    named = _named_entries(term, clip, seed)
    hidden = mask.hidden
    pinned = np.zeros_like(hidden) if mask.pinned is None else mask.pinned
    # A pin also makes its entries known; ``unpin`` leaves them so until a later term hides them.
    if term.kind in ("known", "pin"):
        hidden = hidden & ~named.hidden
        pinned = pinned | named.hidden if term.kind == "pin" else pinned
    elif term.kind == "unpin":
        pinned = pinned & ~named.hidden
    else:
        # Terms apply from left to right, so a pin protects only from the terms to its right.
        hidden = hidden | (named.hidden & ~pinned)
    return Mask(hidden, joined(mask.label, named.label), pinned if pinned.any() else None)


def _named_entries(term: Term, clip: Clip, seed: int) -> Mask:
    """The entries that a term names, as a mask."""
    match term.kind:
        case "random":
            named = random(clip, term.share, seed)
        case "every":
            named = every_nth(clip, *term.numbers)
        case "span":
            named = span(clip, *term.numbers)
        case "first":
            named = first(clip)
        case "keep":
            named = keep_hide(clip, *term.numbers)
        case "none":
            named = none(clip)
        case _:
            named = _listed_frames(clip, term)
    return named if term.joints is None else joints(clip, named, term.joints)


def _listed_frames(clip: Clip, term: Term) -> Mask:
    """A mask of the frames that a term lists (``frames``, ``hide``, ``pin``, ...)."""
    chosen: list[int] = []
    for low, high in term.ranges:
        # Checked before the list is made: a typo in a range would allocate gigabytes.
        text = f"{low}" if low == high else f"{low}-{high}"
        _check_range(clip, low, high, f"{term.kind}:{text}")
        chosen.extend(range(low, high + 1))
    mask = frames(clip, chosen)
    return replace(mask, label=f"{term.kind}:{mask.label.partition(':')[2]}")
