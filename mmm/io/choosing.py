"""Choosing one of several takes or bodies of a file, by its name or its number."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mmm.errors import SpecError

# Most names that a message lists; a library of takes may hold hundreds.
_MOST_NAMED = 12


def choose(
    kind: str, names: Sequence[str], requested: str | None, source: str, default: int
) -> int:
    """The index of the requested take or body.

    Args:
        kind: ``take`` or ``body``, as the option is called.
        names: the names of the file's takes or bodies, in its order.
        requested: a name or a number from 1; None for the default. Names take precedence.
        source: the file's name, for messages.
        default: the index if none was requested.

    Raises:
        SpecError: the file holds nothing of this name or number.
    """
    if requested is None:
        return default
    if requested in names:
        return names.index(requested)
    # Blender writes "Armature|Walk" for what users call "Walk", so a unique end of a name suffices.
    endings = [
        i for i, name in enumerate(names) if name.split("|")[-1].split("::")[-1] == requested
    ]
    if len(endings) == 1:
        return endings[0]
    # isdigit() accepts digits of other scripts, and int() of very long ones is slow.
    if re.fullmatch("[0-9]{1,4}", requested) and 1 <= int(requested) <= len(names):
        return int(requested) - 1
    raise SpecError(
        f"{kind} {requested[:60]}",
        f"{source} has none of this name or number",
        f"one of {listed(names)}, or a number from 1" if names else "",
        "choose one of these" if names else "leave it out",
    )


def listed(names: Sequence[str]) -> str:
    """Names as a list for a message, shortened if there are many."""
    shown = ", ".join(name[:60] for name in names[:_MOST_NAMED])
    return shown + (f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else "")


@dataclass(frozen=True)
class Choice:
    """The takes or the bodies of a file, and which one was read."""

    kind: str
    """``take`` or ``body``, as the option is called."""
    names: tuple[str, ...]
    chosen: int

    def notes(self) -> tuple[str, ...]:
        """A sentence that tells which one was read, if there are several."""
        if len(self.names) < 2:
            return ()
        rest = [name for i, name in enumerate(self.names) if i != self.chosen]
        plural = {"take": "takes", "body": "bodies"}[self.kind]
        return (
            f"Of {len(self.names)} {plural} {self.names[self.chosen][:60]} was read; "
            f"{listed(rest)} can be chosen as {self.kind}.",
        )

    def to_meta(self) -> dict[str, Any]:
        """The entry for a clip's ``meta``; empty if the file holds only one."""
        if len(self.names) < 2:
            return {}
        return {_meta_key(self.kind): {"names": list(self.names), "chosen": self.chosen}}

    @classmethod
    def of(cls, meta: Mapping[str, Any], kind: str) -> "Choice | None":
        """The choice in a clip's ``meta``; None if its file held only one."""
        # The meta may come from an `.npz` that others edited, so invalid entries are ignored.
        try:
            entry = meta[_meta_key(kind)]
            several = cls(kind, tuple(map(str, entry["names"])), int(entry["chosen"]))
        except (KeyError, TypeError, ValueError):
            return None
        return several if 0 <= several.chosen < len(several.names) else None


def _meta_key(kind: str) -> str:
    return f"{kind}_of"
