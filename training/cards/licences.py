"""The data notes of a card: origin, licence and acknowledgements."""

from collections.abc import Sequence

DATA_NOTES = {
    "dance": "The project's own procedural dance set (`data/dance`): synthetic songs and rule-made "
    "dances on the "
    "SMPL-24 body, 60 fps. Train, validation and test differ in songs, dancers and orders of "
    "moves. "
    "Made by this project; MIT licence.",
    # The CMU database asks that its source and its funding be acknowledged in this form.
    "common": "Recordings of everyday movement, sport, fights and dances at 30 fps, from two "
    "makers:\n\n"
    "- The CMU Graphics Lab Motion Capture Database, free for all uses; the data itself must not "
    "be resold. "
    "The data used in this project was obtained from mocap.cs.cmu.edu. The database was created "
    "with "
    "funding from NSF EIA-0196217.\n"
    "- Motion sets of Seoul National University, published in repositories with an Apache-2.0 "
    "licence "
    "file. The licence stands at the level of the repositories; there is no separate grant for the "
    "motion "
    "data.",
}
"""Notes on prepared sets that checkpoints are trained on, by the name of their folder."""

_OTHERS = {
    "lafan1": ("Ubisoft La Forge Animation Dataset (LAFAN1), CC BY-NC-ND 4.0.", "CC BY-NC-ND 4.0"),
    "bandai": (
        "Bandai-Namco Research Motiondataset, (c) Bandai Namco Research Inc., CC BY-NC 4.0.",
        "CC BY-NC 4.0",
    ),
    "aist": (
        "AIST++ Dance Motion Dataset, annotations CC BY 4.0 (Google).",
        "the terms of AIST++ and AIST",
    ),
}
"""Sets of others, by a word in their folder's name: a note, and the terms that may apply to weights
trained on them. No shipped checkpoint was trained on them."""


def _known(data: str) -> tuple[str, str] | None:
    # By a word in the name, so that lafan1-roles and aist-roles are known as well.
    return next((facts for word, facts in _OTHERS.items() if word in data.lower()), None)


def data_note(data: str) -> str:
    """A paragraph on a set that a checkpoint was trained on."""
    known = _known(data)
    return DATA_NOTES.get(data) or f"Prepared set `{data}`.{f' {known[0]}' if known else ''}"


def unseen_note(data: str) -> str:
    """A sentence on a set that a checkpoint is measured on."""
    known = _known(data)
    return known[0] if known else f"Prepared set `{data}`."


def licence_lines(sets: Sequence[str]) -> list[str]:
    """The card's last section: the licence of the weights, given the sets that they were trained
    on."""
    bound = [
        (data, known[1]) for data in sets if data not in DATA_NOTES and (known := _known(data))
    ]
    if bound:
        return [
            "The code is under the MIT licence. The weights were made from "
            + ", ".join(f"`{data}` ({terms})" for data, terms in bound)
            + ". Those terms may also apply to the weights: check them before you distribute the "
            "weights."
        ]
    thanks = (
        " Whoever passes the weights on keeps the acknowledgements above."
        # Only the recordings of `common` ask for an acknowledgement.
        if "common" in sets
        else ""
    )
    return [f"MIT, like the project.{thanks}"]
