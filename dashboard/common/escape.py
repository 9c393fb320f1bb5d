"""Words from outside as words: names, SPECs, notes and card texts where the page renders Markdown or HTML.

Everything that a visitor, a file or a link brings goes through one of these before it is shown:

- :func:`markdown` in ``st.markdown``, ``st.error``, ``st.caption``, ``st.toast`` and labels of widgets,
- :func:`code` where it stands between backticks,
- :func:`html` in ``st.html``, attributes included.

Cells of CSV files go through ``mmm.io.files.csv_cell``.
"""

import html as _html
import re

# What begins something in Markdown, or in what Streamlit adds to it: `code`, *emphasis*, [link], <tag>, $formula$,
# ~~strike~~, :material/icon:, :red[colour], &entity;; and at the beginning of the text a heading, a quotation or a
# list. Everything else stays, so that messages remain readable in logs.
_MARKS = re.compile(
    r"([\\`*\[\]<$~]"
    r"|(?<![^\W_])_|_(?![^\W_])"
    r"|:(?=\w)"
    r"|&(?=[\w#])"
    r"|^[#>+=-]"
    r"|(?<=^\d)[.)]|(?<=^\d\d)[.)]|(?<=^\d\d\d)[.)])",
)
# Bare addresses become links after all marks are read, escaped or not: only a character inside keeps them apart.
_ADDRESSES = re.compile(r"(?<=:)(?=//)|(?<=www)(?=\.)|(?<=@)(?=[-\w]+\.)", re.IGNORECASE)
_WORD_JOINER = "\u2060"  # invisible, and no place to break a line


def markdown(text: object) -> str:
    """Text that reads the same where Markdown is rendered, and is neither a link, an image nor markup.

    Args:
        text: from outside.
    """
    # A new line could begin a list, a heading or a fence.
    plain = " ".join(str(text).split())
    return _ADDRESSES.sub(_WORD_JOINER, _MARKS.sub(r"\\\1", plain))


def code(text: object) -> str:
    """Text between backticks, as code, which ends where it should.

    Args:
        text: from outside.
    """
    plain = " ".join(str(text).split())
    # CommonMark: a fence longer than every run of backticks inside cannot be closed by one.
    longest = max((len(run) for run in re.findall("`+", plain)), default=0)
    fence = "`" * (longest + 1)
    # A backtick at the edge would join the fence. Markdown strips these spaces.
    space = " " if longest or plain.startswith(" ") or not plain else ""
    return f"{fence}{space}{plain}{space}{fence}"


def html(text: object) -> str:
    """Text in HTML, between tags or in a quoted attribute.

    Args:
        text: from outside.
    """
    return _html.escape(str(text), quote=True)
