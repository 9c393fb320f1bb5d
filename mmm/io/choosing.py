"""Choosing one of several things of a file, by its name or its number: a take, a body."""

import re
from collections.abc import Sequence

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


def others_note(kind: str, names: Sequence[str], chosen: int) -> tuple[str, ...]:
    """A sentence where a file holds several, which says which one was read."""
    if len(names) < 2:
        return ()
    rest = [name for i, name in enumerate(names) if i != chosen]
    plural = {"take": "takes", "body": "bodies"}[kind]
    return (
        f"Of {len(names)} {plural} {names[chosen][:60]} was read; "
        f"{listed(rest)} can be chosen as {kind}.",
    )
