"""Brings pages of the project that lie outside docs/ into the site, so that there is one copy."""

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parent.parent
PAGES = {
    "ARCHITECTURE.md": "architecture.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "data/README.md": "data.md",
    **{
        path.relative_to(ROOT).as_posix(): f"checkpoints/{path.parent.name}.md"
        for path in sorted((ROOT / "checkpoints").glob("*/README.md"))
    },
}
"""Where a page lies in the project, and where in the site."""


def on_files(files: Any, config: Any) -> Any:
    """Add the pages, and the curves that the checkpoints' cards show."""
    for source, target in PAGES.items():
        text = (ROOT / source).read_text()
        files.append(File.generated(config, target, content=text))
        if source.startswith("checkpoints/"):
            curve = (ROOT / source).with_name("curve.svg")
            if not curve.is_file():
                continue  # a checkpoint that was not trained, such as a library, has no curve
            name = f"checkpoints/{curve.parent.name}.svg"
            files.append(File.generated(config, name, content=curve.read_bytes()))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Turn links between files of the project into links between pages of the site."""
    uri = page.file.src_uri
    source = next((name for name, target in PAGES.items() if target == uri), f"docs/{uri}")

    def link(match: re.Match[str]) -> str:
        target, anchor = match.group(1), match.group(2) or ""
        if "://" in target:
            return match.group(0)
        place = (ROOT / source).parent.joinpath(target).resolve()
        if not place.is_relative_to(ROOT):
            return match.group(0)
        name = place.relative_to(ROOT).as_posix()
        if name.endswith("/curve.svg"):
            name = f"checkpoints/{place.parent.name}.svg"
        elif name in PAGES:
            name = PAGES[name]
        elif name.startswith("docs/"):
            name = name.removeprefix("docs/")
        else:
            return match.group(0)
        return f"]({_relative(name, uri)}{anchor})"

    return re.sub(r"\]\(([^)#\s]+)(#[^)]*)?\)", link, markdown)


def _relative(target: str, page: str) -> str:
    return "../" * page.count("/") + target
