"""Writes docs/command-line.md from the commands themselves: ``python docs/command_line.py``."""

import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # the package beside this file, installed or not

import typer  # noqa: E402

from mmm.cli.app import GROUPS, app  # noqa: E402

TARGET = ROOT / "docs" / "command-line.md"
INTRODUCTION = """# Command line

The installed command is `mmm`. In a copy of the source, `python -m mmm` is the same.

Exit status 0 is success, 2 is bad input (one line on stderr), 130 is an interruption. An output
file appears under its name only when it is whole. [What to hide](spec.md) explains `SPEC`.

<!-- This page is written by docs/command_line.py. Change the commands, not the page. -->
"""


def page() -> str:
    """The whole page as Markdown."""
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    parts = [INTRODUCTION]
    for title, group in GROUPS.items():
        names = ", ".join(f"[`{function.__name__}`](#{function.__name__})" for function in group)
        parts.append(f"**{title}:** {names}\n")
    for group in GROUPS.values():
        parts += [_section(commands[function.__name__]) for function in group]
    return "\n".join(parts)


def _section(command: Any) -> str:
    context = command.make_context(command.name, [], resilient_parsing=True)
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name != "argument"]
    required = [f"{p.opts[0]} {p.metavar or p.name.upper()}" for p in options if p.required]
    words = [*(p.metavar for p in arguments), *required, "[OPTIONS]"]
    lines = [f"## {command.name}\n", "```text", f"mmm {command.name} {' '.join(words)}", "```\n"]
    lines.append(_prose(command.help))
    lines += ["| option | |", "|---|---|"]
    lines += [_row(p, context) for p in (*arguments, *options)]
    return "\n".join(lines) + "\n"


def _prose(text: str) -> str:
    """A docstring; paragraphs that click must not wrap become code blocks."""
    paragraphs = []
    for paragraph in re.split(r"\n\s*\n", text):
        if paragraph.startswith("\b"):
            paragraphs.append(f"```text\n{paragraph[1:].strip(chr(10))}\n```\n")
        else:
            paragraphs.append(" ".join(paragraph.split()) + "\n")
    return "\n".join(paragraphs)


def _row(parameter: Any, context: Any) -> str:
    name, text = parameter.get_help_record(context)
    text = " ".join(text.split()).replace("|", "\\|")
    return f"| `{name}` | {text} |"


if __name__ == "__main__":
    TARGET.write_text(page())
