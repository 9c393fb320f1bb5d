"""SPEC, a small language for the hidden entries and the edits of a clip.

This module parses its terms. ``mmm.masks`` makes masks of those that hide, and ``mmm.edits``
applies all of them. ``docs/spec.md`` explains the grammar.
"""

import re
from dataclasses import dataclass

from mmm.errors import SpecError

HELP = (
    "random:0.15, every:15, span:88-98, first, keep:5,hide:5, frames:3,9,40-60 or none, "
    "with @left_arm,legs after it and edits joined by + (grammar: docs/spec.md)"
)
HIDING_EDITS = ("hide", "known", "pin", "unpin")
"""Kinds of edits that change what is hidden."""
MOTION_EDITS = ("pose", "reach", "place", "move", "retime")
"""Kinds of edits that change the motion itself."""
EDITS = (*HIDING_EDITS, *MOTION_EDITS)
"""Kinds of terms that a user adds to a pattern by hand."""

# At most nine digits: such a number fits into 32 bits, wherever it is used as an index.
_N = "([0-9]{1,9})"
_RANGE = "[0-9]{1,9}(?:-[0-9]{1,9})?"
_RANGES = f"(?P<ranges>{_RANGE}(?:,{_RANGE})*)"
_DEGREES = "-?[0-9]{1,3}(?:[.][0-9]{1,6})?"
_METRES = "-?[0-9]{1,4}(?:[.][0-9]{1,6})?"
_FORMS = {
    kind: re.compile(form)
    for kind, form in {
        "random": "random:(?P<share>[0-9]*[.]?[0-9]+)",
        "every": f"every:{_N}",
        "span": f"span:{_N}-{_N}",
        "first": "first",
        "keep": f"keep:{_N},hide:{_N}",
        "none": "none",
        "pose": f"pose:{_N}=(?:{_N}|(?P<angles>{_DEGREES}(?:,{_DEGREES}){{2}}))",
        **{
            kind: f"{kind}:{_N}=(?P<place>{_METRES}(?:,{_METRES}){{2}})"
            for kind in ("reach", "place")
        },
        "move": f"move:{_RANGES}={_N}",
        "retime": f"retime:{_N}-{_N}={_N}",
        **dict.fromkeys(
            ("frames", *HIDING_EDITS),
            f"(?:frames|{'|'.join(HIDING_EDITS)}):{_RANGES}",
        ),
    }.items()
}
# Messages for malformed edits of the motion: what was found, what was expected, an example. The
# general message lists patterns, which would not help here.
_MALFORMED = {
    "pose": (
        "not a pose to insert",
        "pose:FRAME=FROM, or pose:FRAME=X,Y,Z@JOINT with three angles of -360 to 360 degrees",
        "for example pose:120=40 or pose:120=10,-20.5,0@left_elbow",
    ),
    "reach": (
        "not a place to reach",
        "reach:FRAME=X,Y,Z@JOINT with a wrist or an ankle and a place in metres",
        "for example reach:120=0.3,1.25,-0.1@left_wrist",
    ),
    "place": (
        "not a place for the body",
        "place:FRAME=X,Y,Z with the position of the root in metres",
        "for example place:120=0.3,0.95,-0.1",
    ),
    "move": (
        "not keyframes to move",
        "move:FRAMES=FRAME, where the first of them goes",
        "for example move:120=125",
    ),
    "retime": (
        "not a gap of another length",
        "retime:FIRST-LAST=FRAMES, of whole frames",
        "for example retime:30-60=45",
    ),
}


@dataclass(frozen=True)
class Term:
    """One parsed term of a SPEC, not yet checked against a clip."""

    text: str
    """The text of the term, without spaces."""
    kind: str
    """Its first word: ``random``, ``every``, ``pin``, ``pose``, ..."""
    numbers: tuple[int, ...] = ()
    """The whole numbers of ``every``, ``span``, ``keep``, ``pose``, ``reach``, ``place``,
    ``move`` and ``retime``, in order."""
    ranges: tuple[tuple[int, int], ...] = ()
    """First and last frame of each range, for ``frames``, ``move`` and ``HIDING_EDITS``."""
    share: float = 0.0
    """The share of frames that ``random`` hides."""
    joints: tuple[str, ...] | None = None
    """Names after ``@``; None without one."""
    angles_deg: tuple[float, ...] = ()
    """The three angles of a ``pose`` with values, degrees; see ``mmm.motion.posing``."""
    place_m: tuple[float, ...] = ()
    """The world position that ``reach`` brings a hand or a foot to, or ``place`` the root,
    metres."""

    @property
    def pattern(self) -> str:
        """The term without its joints."""
        return self.text.partition("@")[0]

    @property
    def changes_motion(self) -> bool:
        """Whether it changes the motion itself, not only what is hidden."""
        return self.kind in MOTION_EDITS


def parse_term(text: str) -> Term:
    """Parse one term.

    Raises:
        SpecError: it is malformed.
    """
    pattern, joined, rest = text.partition("@")
    kind = kind_of(pattern)
    form = _FORMS.get(kind)
    match = form.fullmatch(pattern) if form else None
    names = tuple(filter(None, rest.split(","))) if joined else None
    if match is None or not _fits(kind, match, names):
        if kind in _MALFORMED:
            raise SpecError(f"SPEC {text!r}", *_MALFORMED[kind])
        raise SpecError(
            f"SPEC {text!r}", f"{pattern!r} is not a pattern", HELP, "check the spelling"
        )
    parts, named = match.groupdict(), match.re.groupindex.values()
    ranges = [part.partition("-") for part in (parts.get("ranges") or "").split(",") if part]
    return Term(
        text,
        kind,
        tuple(int(n) for i, n in enumerate(match.groups(), 1) if n and i not in named),
        tuple((int(low), int(high or low)) for low, _, high in ranges),
        float(parts.get("share") or 0),
        names,
        _decimals(match, "angles"),
        _decimals(match, "place"),
    )


def _decimals(match: re.Match[str], group: str) -> tuple[float, ...]:
    """The decimal numbers of a term that has such a group; none for other terms."""
    text = match.groupdict().get(group) or ""
    return tuple(float(number) for number in text.split(",") if number)


def _fits(kind: str, match: re.Match[str], names: tuple[str, ...] | None) -> bool:
    """Whether the joints of a term, and its angles, are such as its kind takes."""
    # Gaps, keyframes and places are of the whole body, and angles are those of one joint.
    if kind in ("place", "move", "retime"):
        return names is None
    angles = _decimals(match, "angles")
    if kind != "reach" and not angles:
        return True
    return names is not None and len(names) == 1 and max(map(abs, angles), default=0) <= 360


def parse_terms(spec: str) -> list[Term]:
    """Parse all terms of a SPEC, from left to right. Spaces are ignored.

    Raises:
        SpecError: a term is malformed, or there is none.
    """
    return [parse_term(text) for text in spec.replace(" ", "").split("+")]


def kind_of(term: str) -> str:
    """The first word of a term: ``pin`` for ``pin:3-5@legs``."""
    return term.partition("@")[0].partition(":")[0]


def joined(label: str, term: str) -> str:
    """A SPEC with one more term at its end."""
    return f"{label}+{term}" if label else term


def split(spec: str) -> tuple[str, tuple[str, ...]]:
    """The pattern of a SPEC (``none`` without one), and its terms from the first edit on."""
    # Terms are applied in order, so a pattern that follows an edit belongs to the edits.
    terms = spec.replace(" ", "").split("+")
    first_edit = next((n for n, term in enumerate(terms) if kind_of(term) in EDITS), len(terms))
    return "+".join(terms[:first_edit]) or "none", tuple(terms[first_edit:])


def parse_frames(text: str, length: int, source: str) -> tuple[int, int]:
    """First frame and the frame after the last of a range such as ``0:300`` or ``:``.

    Args:
        text: the range; an omitted end is the clip's own.
        length: frames of the clip.
        source: the start of an error's message.

    Raises:
        SpecError: the text is not a range.
    """
    start, colon, stop = text.partition(":")
    try:
        # ``Clip.crop`` checks that the ends are inside the clip; its message names the clip.
        limits = int(start or 0), int(stop or length)
    except ValueError:
        # A missing colon and an end that is no number share one message.
        colon = ""
    if not colon:
        raise SpecError(
            source, "not a range", "A:B, for example 0:300", "write both ends, or leave one out"
        )
    return limits
