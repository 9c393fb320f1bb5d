"""Choosing one of several things of a file, by its name or its number: a take, a body."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mmm.errors import SpecError

# Names that a message lists; a library of takes may hold hundreds.
_MOST_NAMED = 12


def choose(kind: str, names: Sequence[str], wish: str | None, source: str, default: int) -> int:
    """The index of what was asked for.

    Args:
        kind: ``take`` or ``body``, as the option is called.
        names: what the file holds, in its order.
        wish: a name or a number from 1; None for the default. A name counts before a number.
        source: the file's name, for messages.
        default: the index where nothing was asked for.

    Raises:
        SpecError: the file holds nothing of this name or number.
    """
    if wish is None:
        return default
    if wish in names:
        return names.index(wish)
    # Blender writes "Armature|Walk", and people ask for "Walk". A unique end of a name will do.
    endings = [i for i, name in enumerate(names) if name.split("|")[-1].split("::")[-1] == wish]
    if len(endings) == 1:
        return endings[0]
    # isdigit() accepts digits of other scripts, and int() of very long ones is slow.
    if re.fullmatch("[0-9]{1,4}", wish) and 1 <= int(wish) <= len(names):
        return int(wish) - 1
    raise SpecError(
        f"{kind} {wish[:60]}",
        f"{source} has none of this name or number",
        f"one of {listed(names)}, or a number from 1" if names else "",
        "choose one of these" if names else "leave it out",
    )


def listed(names: Sequence[str]) -> str:
    """Names as a list for a message, shortened where there are many."""
    shown = ", ".join(name[:60] for name in names[:_MOST_NAMED])
    return shown + (f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else "")


@dataclass(frozen=True)
class Several:
    """The takes or the bodies of a file, and which one was read."""

    kind: str
    """``take`` or ``body``, as the option is called."""
    names: tuple[str, ...]
    chosen: int

    def notes(self) -> tuple[str, ...]:
        """A sentence where there are several, which says which one was read."""
        if len(self.names) < 2:
            return ()
        rest = [name for i, name in enumerate(self.names) if i != self.chosen]
        plural = {"take": "takes", "body": "bodies"}[self.kind]
        return (
            f"Of {len(self.names)} {plural} {self.names[self.chosen][:60]} was read; "
            f"{listed(rest)} can be chosen as {self.kind}.",
        )

    def to_meta(self) -> dict[str, Any]:
        """The entry of a clip's ``meta``; empty where the file holds one."""
        if len(self.names) < 2:
            return {}
        return {_meta_key(self.kind): {"names": list(self.names), "chosen": self.chosen}}

    @classmethod
    def of(cls, meta: Mapping[str, Any], kind: str) -> "Several | None":
        """What a clip's ``meta`` says; None where its file held one."""
        # The meta may come from an `.npz` that others edited, so nonsense is left out.
        try:
            entry = meta[_meta_key(kind)]
            several = cls(kind, tuple(map(str, entry["names"])), int(entry["chosen"]))
        except (KeyError, TypeError, ValueError):
            return None
        return several if 0 <= several.chosen < len(several.names) else None


def _meta_key(kind: str) -> str:
    return f"{kind}_of"
