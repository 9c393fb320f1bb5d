"""Escaping of untrusted text where the page renders Markdown or HTML.

Names, SPECs, notes and card texts of a visitor, a file or a link are escaped before display:

- :func:`markdown` in ``st.markdown``, ``st.error``, ``st.caption``, ``st.toast`` and widget labels,
- :func:`code` between backticks,
- :func:`html` in ``st.html``, attributes included; :func:`breakable` for the name of a file.

Cells of CSV files go through ``mmm.io.files.csv_cell``.
"""

import html as _html
import re

# Matches what begins markup in Markdown or in Streamlit's additions: `code`, *emphasis*, [link],
# <tag>, $formula$, ~~strike~~, :material/icon:, :red[colour], &entity; and, at the beginning of the
# text, a heading, a quotation or a list. Other characters stay, so that logs
# remain readable.
_MARKS = re.compile(
    r"([\\`*\[\]<$~]"
    r"|(?<![^\W_])_|_(?![^\W_])"
    r"|:(?=\w)"
    r"|&(?=[\w#])"
    r"|^[#>+=-]"
    r"|(?<=^\d)[.)]|(?<=^\d\d)[.)]|(?<=^\d\d\d)[.)])",
)
# Markdown turns bare addresses into links even if they are escaped. Only a character inside the
# address prevents that.
_ADDRESSES = re.compile(r"(?<=:)(?=//)|(?<=www)(?=\.)|(?<=@)(?=[-\w]+\.)", re.IGNORECASE)
_WORD_JOINER = "\u2060"  # invisible, and no place to break a line


def markdown(text: object) -> str:
    """Escape text so that Markdown shows it literally, without links, images or markup.

    Args:
        text: untrusted text.
    """
    # A new line could begin a list, a heading or a fence.
    plain = " ".join(str(text).split())
    return _ADDRESSES.sub(_WORD_JOINER, _MARKS.sub(r"\\\1", plain))


def code(text: object) -> str:
    """Text as an inline code span that cannot be closed early.

    Args:
        text: untrusted text.
    """
    plain = " ".join(str(text).split())
    # CommonMark: a fence longer than every run of backticks inside cannot be closed by one.
    longest = max((len(run) for run in re.findall("`+", plain)), default=0)
    fence = "`" * (longest + 1)
    # A backtick at the edge would join the fence. Markdown strips these spaces.
    space = " " if longest or plain.startswith(" ") or not plain else ""
    return f"{fence}{space}{plain}{space}{fence}"


def html(text: object) -> str:
    """Escape text for HTML, between tags or in a quoted attribute.

    Args:
        text: untrusted text.
    """
    return _html.escape(str(text), quote=True)


def breakable(name: str) -> str:
    """A file's name for HTML, whose lines break after ``_``, ``-`` or a space and before the suffix.

    Args:
        name: from outside.
    """
    stem, dot, suffix = name.rpartition(".")
    # Browsers break after a space or a hyphen by themselves, but inside a long suffix too.
    parts = html(stem if dot else name).replace("_", "_<wbr>")
    return f"{parts}<wbr>{html(dot + suffix)}" if dot else parts
