"""Detecting the kind of a file by its first bytes, and the encoding of its text.

Before UTF-8, motion programs used the encodings of their countries. Only joint names need more than
ASCII, and they are few and short. So the detector of charset-normalizer is limited to the encodings
that such programs use. If it finds several, the one that gives most words for parts of the body is
chosen.
"""

import codecs
import re

from charset_normalizer import from_bytes

ENCODINGS = ("cp932", "gb18030", "big5", "cp949", "cp1252", "cp1251", "latin-1")
"""Candidates beside Unicode: Japanese (Shift-JIS), Chinese (GBK; Big5), Korean, Western, Cyrillic,
and Latin-1, which every byte fits, last."""

# First bytes of files that people rename by mistake. The message can then say what the file is.
_SIGNATURES = (
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"\x89PNG", "a PNG picture"),
    (b"GIF8", "a GIF picture"),
    (b"%PDF", "a PDF document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"OggS", "an Ogg recording"),
    (b"RIFF", "a WAV or AVI recording"),
    (b"fLaC", "a FLAC recording"),
    (b"ID3", "an MP3 recording"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"Kaydara FBX", "an FBX scene"),
    (b"\x80", "a Python pickle"),
    (b"\x93NUMPY", "a single NumPy array"),
)
# Byte order marks. That of UTF-32-LE begins like that of UTF-16-LE, but no motion program writes
# UTF-32.
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Characters of joint names: Japanese, Chinese and Korean words for parts of the body.
_BODY_CHARACTERS = frozenset(
    "左右手腕足首頭頸肩胸腰脚腿臂骨盆脊柱椎指膝肘踝前後后上下大小体身半全親目眼髪先头颈发脚趾掌根中心"
    "センターひざじつまての"
    + "머리목골반왼오른쪽팔손다리발어깨무릎허척추가슴"
    + "абвгдежзийклмнопрстуфхцчшщъыьэюя"
)
# A byte that is no ASCII between ASCII letters: an accented letter inside a word.
_ACCENT = re.compile(rb"[A-Za-z_][\x80-\xff]{1,2}(?=[a-z_\s\d]|$)|(?:^|\s)[\xc0-\xff][a-z]")
# Enough for every joint of a large rig; charset-normalizer takes seconds for whole motion tables.
_MOST_LINES, _LONGEST_LINE = 2_000, 200
# DOS programs end a text with Ctrl-Z, and CP/M padded it to a full block.
_END_OF_FILE = re.compile(r"\x1a[\x1a\x00\s]*\Z")


def decode(data: bytes) -> tuple[str, str]:
    """The text of a file and the encoding that it was in.

    Unicode is recognised by its byte order mark or by being valid UTF-8. Other text is decoded by
    the likeliest of ``ENCODINGS``, or as Latin-1, which keeps every byte, if none fits.

    Returns:
        The text, its line ends made ``\\n`` and without the end-of-file mark of DOS (0x1A); and the
        name of the encoding, which Python's codecs know.
    """
    text, encoding = _decoded(data)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _END_OF_FILE.sub("", text), encoding


def encoded(text: str, encoding: str) -> bytes:
    """The text as a file's bytes, in UTF-8 if the encoding cannot hold it or is UTF-16."""
    try:
        return text.encode(encoding if encoding in ENCODINGS else "utf-8")
    except UnicodeEncodeError:
        return text.encode()


def is_text(data: bytes) -> bool:
    """Whether the first bytes may be text: no zero byte, or UTF-16."""
    return b"\0" not in data[:4096].rstrip(b"\0\x1a") or bool(_utf16(data))


def _utf16(data: bytes) -> str:
    """The kind of UTF-16, by its byte order mark or by the zero bytes of ASCII text; else empty."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    # Windows' Notepad calls it "Unicode". Without a mark, ASCII in UTF-16 is every other byte zero.
    head = data[:200]
    for kind, zeros in (("utf-16-le", head[1::2]), ("utf-16-be", head[::2])):
        if len(head) > 3 and zeros.count(0) > 0.9 * len(zeros):
            return kind
    return ""


def _decoded(data: bytes) -> tuple[str, str]:
    if kind := _utf16(data):
        return data.decode(kind, errors="replace"), kind
    for mark, name in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return data.decode(name, errors="replace"), name
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        encoding = _likeliest(data)
    try:
        return data.decode(encoding), encoding
    except UnicodeDecodeError:
        return data.decode("latin-1"), "latin-1"


def _likeliest(data: bytes) -> str:
    """The likeliest encoding of the lines that are not ASCII."""
    lines = [line for line in data.splitlines() if not line.isascii()][:_MOST_LINES]
    sample = b"\n".join(line[:_LONGEST_LINE] for line in lines)
    # French, German or Spanish words have single accented letters between ASCII ones. The detector
    # takes so few bytes for East Asian pairs.
    if all(_ACCENT.search(line) for line in lines) and _fits(sample, "cp1252"):
        return "cp1252"
    matches = from_bytes(sample, cp_isolation=list(ENCODINGS[:-1]))
    candidates = [match.encoding for match in matches if _fits(sample, match.encoding)]
    candidates = candidates or [name for name in ENCODINGS if _fits(sample, name)]
    return max(candidates, key=lambda name: _body_letters(sample, name), default="latin-1")


def _fits(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _body_letters(sample: bytes, encoding: str) -> float:
    """The share of letters beyond ASCII that occur in words for parts of the body."""
    letters = [letter for letter in sample.decode(encoding, "ignore").lower() if letter > "\x7f"]
    return sum(letter in _BODY_CHARACTERS for letter in letters) / max(len(letters), 1)


def looks_like(data: bytes) -> str:
    """The kind of a file by its first bytes, such as ``"a JPEG picture"``, or an empty string."""
    return next((kind for start, kind in _SIGNATURES if data.startswith(start)), "")
