"""SPECs that are too long for an address: kept as files of the visit, which the address names."""

import re
from hashlib import blake2b

from dashboard.files import visits

LONGEST_IN_LINK = 2_000
"""Characters. Browsers, mail programs and proxies cut longer addresses off."""
MOST_FILES = 100
"""Of a visit; the oldest go first. Each step of a long edit makes one."""
_NAME = re.compile(r"file-[0-9a-f]{24}")


def to_address(spec: str) -> str:
    """What stands for a SPEC in the address: itself, or the name of its file."""
    if len(spec) <= LONGEST_IN_LINK:
        return spec
    name = f"file-{blake2b(spec.encode(), digest_size=12).hexdigest()}"
    folder = visits.uploads().folder
    path = folder / f"{name}.spec"
    if not path.is_file():
        path.write_text(spec, encoding="utf-8")
        files = sorted(folder.glob("file-*.spec"), key=lambda file: file.stat().st_mtime_ns)
        for file in files[:-MOST_FILES]:
            file.unlink(missing_ok=True)
    return name


def from_address(text: str) -> str | None:
    """The SPEC that an address means; None where it names a file of another visit."""
    # A name of another form is no path of ours: it is read as a SPEC, and refused as one.
    if not _NAME.fullmatch(text):
        return text
    path = visits.uploads().folder / f"{text}.spec"
    return path.read_text(encoding="utf-8") if path.is_file() else None
