"""Whatever the page renders as Markdown is ours, or goes through ``dashboard.common.escape``.

The test reads the source: each argument that Streamlit renders as Markdown is built of literals, of our own constants,
of formatted numbers and of escaped words. What it cannot tell stands in ``OURS``.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2] / "dashboard"
RENDERED = {
    "markdown": 0, "caption": 0, "error": 0, "warning": 0, "info": 0, "success": 0, "toast": 0,
    "write": 0, "subheader": 0, "header": 0, "title": 0, "button": 0, "download_button": 0,
    "expander": 0, "checkbox": 0, "toggle": 0, "slider": 0, "selectbox": 0, "multiselect": 0,
    "number_input": 0, "text_input": 0, "radio": 0, "pills": 0, "segmented_control": 0,
    "file_uploader": 0, "spinner": 0, "progress": 1,
}  # fmt: skip
KEYWORDS = ("help", "text", "label")
OPTIONS = ("pills", "segmented_control", "radio")
"""Their options are rendered as Markdown too: ``format_func`` escapes them, or they are constants of ours."""
OURS = {
    # Arguments that callers give as literals:
    "again", "count", "heading", "help_", "hint", "label", "self.label", "text",
    # Sentences that are built of our own words and numbers, or whose parts are escaped where they are built:
    "_hidden_words(clip, mask)", "_summary(change, plan)", "_summary(_corrected(entry, correction))",
    "about(cards[chosen])", "gap_words(low, high, frames, fps)", "line", "model_picker.about(card)",
    "role.replace('_', ' ').capitalize()", "what_it_shows(atlas, view)", "words_of(job)",
    "'Frames that the model may not see. ' + KINDS[st.session_state.kind].help",
}  # fmt: skip
"""Expressions that the test cannot follow."""
NUMBERS_AND_OWN_WORDS = {
    "at + 1", "body", "curves_", "distance", "end - 1", "first", "attribution.frame", "how", "joints",
    "label", "last + 1", "number + 1", "music", "ranked", "random", "shown", "span[0]", "span[1]", "strongest",
    "task", "unrecorded", "verb", "_agreement(result.model_name)", "KINDS[kind][0].lower()",
    "METHODS[attribution.method].lower()", "uploads.minutes(song.duration_s)",
}  # fmt: skip
"""Parts of f-strings that are numbers, words of ours, or escaped before."""


def test_nothing_from_outside_is_rendered_as_markdown():
    found = [f"{path.relative_to(ROOT.parent)}:{line}: {text}" for path, line, text in unescaped()]
    found = [place for place in found if place.partition(": ")[2] not in OURS]
    assert not found, "\n".join(found)


def test_the_check_finds_what_it_should():
    def safe(text: str) -> bool:
        return is_safe(ast.parse(text, mode="eval").body)

    assert all(map(safe, ("'a'", "f'{n:.2f} s'", "f'{escape.markdown(name)}'", "KINDS[kind][0]")))
    assert not any(map(safe, ("str(error)", "f'{name}'", "job.error", "'a' + name")))


def unescaped() -> Iterator[tuple[Path, int, str]]:
    for path in sorted(ROOT.rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)):
                continue
            owner, name = call.func.value, call.func.attr
            if name not in RENDERED or not isinstance(owner, ast.Name):
                continue
            if owner.id in ("escape", "answers"):
                continue
            place = RENDERED[name]
            shown = [k.value for k in call.keywords if k.arg in KEYWORDS]
            shown += call.args[place : place + 1]
            if name in OPTIONS:
                formats = [k.value for k in call.keywords if k.arg == "format_func"]
                if formats:
                    shown += [f for f in formats if not is_safe_format(f)]
                else:
                    shown += call.args[1:2]
            for value in shown:
                if not is_safe(value):
                    yield path, value.lineno, ast.unparse(value)


def is_safe_format(value: ast.expr) -> bool:
    if isinstance(value, ast.Lambda):
        return is_safe(value.body)
    text = ast.unparse(value)
    return text.startswith("escape.") or text.split(".")[0].isupper()


def is_safe(value: ast.expr) -> bool:  # noqa: C901
    if isinstance(value, ast.Constant):
        return True
    if isinstance(value, ast.JoinedStr):
        return all(map(is_safe, value.values))
    if isinstance(value, ast.FormattedValue):
        spec = ast.unparse(value.format_spec) if value.format_spec is not None else ""
        number = any(mark in spec for mark in (".", ",", "d", "g", "%"))
        return number or ast.unparse(value.value) in NUMBERS_AND_OWN_WORDS or is_safe(value.value)
    if isinstance(value, ast.BinOp):
        return is_safe(value.left) and is_safe(value.right)
    if isinstance(value, ast.IfExp):
        return is_safe(value.body) and is_safe(value.orelse)
    if isinstance(value, ast.Subscript):
        return is_safe(value.value)
    if isinstance(value, ast.Name):
        return value.id.isupper() or value.id.strip("_").isupper()
    if isinstance(value, ast.Attribute):
        return value.attr.isupper()
    if isinstance(value, ast.List | ast.Tuple):
        return all(map(is_safe, value.elts))
    if isinstance(value, ast.Call):
        function = ast.unparse(value.func)
        if function in ("len", "int", "float", "abs", "round", "sum"):
            return True
        if function == "list" and value.args:
            return is_safe(value.args[0])
        return function.startswith("escape.")
    return False
