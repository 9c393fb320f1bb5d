"""SPEC, the language that says which entries of a clip are hidden and how it was edited.

This module reads its terms. ``mmm.masks`` turns those that hide into masks, and ``mmm.edits`` applies
all of them. The grammar is explained in ``docs/spec.md``.
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
MOTION_EDITS = ("pose", "retime")
"""Kinds of edits that change the motion itself."""
EDITS = (*HIDING_EDITS, *MOTION_EDITS)
"""Kinds of terms that a user adds to a pattern by hand."""

# At most nine digits, so that a number fits wherever it goes.
_N = "([0-9]{1,9})"
_RANGE = "[0-9]{1,9}(?:-[0-9]{1,9})?"
_FORMS = {
    kind: re.compile(form)
    for kind, form in {
        "random": "random:(?P<share>[0-9]*[.]?[0-9]+)",
        "every": f"every:{_N}",
        "span": f"span:{_N}-{_N}",
        "first": "first",
        "keep": f"keep:{_N},hide:{_N}",
        "none": "none",
        "pose": f"pose:{_N}={_N}",
        "retime": f"retime:{_N}-{_N}={_N}",
        **dict.fromkeys(
            ("frames", *HIDING_EDITS),
            f"(?:frames|{'|'.join(HIDING_EDITS)}):(?P<ranges>{_RANGE}(?:,{_RANGE})*)",
        ),
    }.items()
}
# What is said of a malformed edit of the motion: what is wrong, what is expected, an example.
_MALFORMED = {
    "pose": ("not a pose to insert", "pose:FRAME=FROM", "for example pose:120=40"),
    "retime": (
        "not a gap of another length",
        "retime:FIRST-LAST=FRAMES, of whole frames",
        "for example retime:30-60=45",
    ),
}


@dataclass(frozen=True)
class Term:
    """One term of a SPEC, read but not yet checked against a clip."""

    text: str
    """The term as it was written, without spaces."""
    kind: str
    """The word it begins with: ``random``, ``every``, ``pin``, ``pose``, ..."""
    numbers: tuple[int, ...] = ()
    """Its whole numbers in their order: of ``every``, ``span``, ``keep``, ``pose`` and ``retime``."""
    ranges: tuple[tuple[int, int], ...] = ()
    """Of ``frames`` and the edits of what is hidden: first and last frame of each range."""
    share: float = 0.0
    """Of ``random``."""
    joints: tuple[str, ...] | None = None
    """Names after ``@``; None where there is no ``@``."""

    @property
    def pattern(self) -> str:
        """The term without its joints."""
        return self.text.partition("@")[0]

    @property
    def changes_motion(self) -> bool:
        """Whether it changes the motion itself, not only what is hidden of it."""
        return self.kind in MOTION_EDITS


def parse_term(text: str) -> Term:
    """Read one term.

    Raises:
        SpecError: it is malformed.
    """
    pattern, joined, names = text.partition("@")
    kind = kind_of(pattern)
    form = _FORMS.get(kind)
    match = form.fullmatch(pattern) if form else None
    if match is None or (kind == "retime" and joined):
        if kind in _MALFORMED:
            raise SpecError(f"SPEC {text!r}", *_MALFORMED[kind])
        raise SpecError(
            f"SPEC {text!r}", f"{pattern!r} is not a pattern", HELP, "check the spelling"
        )
    parts = match.groupdict()
    ranges = [part.partition("-") for part in parts.get("ranges", "").split(",") if part]
    return Term(
        text,
        kind,
        () if parts else tuple(map(int, match.groups())),
        tuple((int(low), int(high or low)) for low, _, high in ranges),
        float(parts.get("share", 0)),
        tuple(filter(None, names.split(","))) if joined else None,
    )


def parse_terms(spec: str) -> list[Term]:
    """Read all terms of a SPEC, from left to right; spaces do not count.

    Raises:
        SpecError: a term is malformed, or there is none.
    """
    return [parse_term(text) for text in spec.replace(" ", "").split("+")]


def kind_of(term: str) -> str:
    """The word that a term begins with: ``pin`` of ``pin:3-5@legs``."""
    return term.partition("@")[0].partition(":")[0]


def joined(label: str, term: str) -> str:
    """A SPEC with one more term."""
    return f"{label}+{term}" if label else term


def split(spec: str) -> tuple[str, tuple[str, ...]]:
    """The pattern of a SPEC (``none`` where it has none), and all terms from its first edit on."""
    terms = spec.replace(" ", "").split("+")
    first_edit = next((n for n, term in enumerate(terms) if kind_of(term) in EDITS), len(terms))
    return "+".join(terms[:first_edit]) or "none", tuple(terms[first_edit:])
