"""Errors a user can act on.

Every message reads *where: what was found; what was expected; what to do*, on one line, so that the
command line can print it as it is and the dashboard can show it in a box.
"""


def _shortened(text: str, longest: int) -> str:
    """The text, its middle left out where it is longer."""
    return text if len(text) <= longest else f"{text[: longest - 100]} ... {text[-95:]}"


class MMMError(Exception):
    """Something outside our control is wrong: a file, an argument, a checkpoint.

    Args:
        source: the file (and line), argument or field at fault.
        problem: what stands there.
        expected: what should stand there; empty where ``problem`` says it all.
        cure: what the user can do about it.
    """

    def __init__(self, source: str, problem: str, expected: str = "", cure: str = "") -> None:
        # What the user wrote may be of any length, and a message is one line of a screen.
        source, problem = _shortened(source, 400), _shortened(problem, 1_000)
        expected, cure = _shortened(expected, 2_000), _shortened(cure, 2_000)
        self.source, self.problem = source, problem
        self.expected, self.cure = expected, cure
        # The parts stay readable by name; pages show some of them on their own.
        parts = [problem]
        if expected:
            parts.append(f"expected {expected}")
        if cure:
            parts.append(cure)
        # One line, whatever the parts hold: names and messages from files may contain line breaks.
        super().__init__(" ".join(f"{source}: {'; '.join(parts)}".split()))

    def __reduce__(self) -> tuple[type["MMMError"], tuple[str, str, str, str]]:
        # Errors come back from other processes; Python would hand the whole message to __init__.
        return type(self), (self.source, self.problem, self.expected, self.cure)


class FileError(MMMError):
    """A file cannot be read or written as what it claims to be."""


class SpecError(MMMError):
    """An argument or a masking SPEC is malformed or does not fit the clip."""


class ModelError(MMMError):
    """A checkpoint is broken, or does not fit the clip it is asked to work on."""
