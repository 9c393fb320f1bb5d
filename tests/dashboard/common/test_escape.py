"""Words from outside stay words: rendered with a Markdown parser, and seen as text alone."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from markdown_it import MarkdownIt

from dashboard.common import escape

RENDER = MarkdownIt("commonmark", {"html": True}).enable(["strikethrough", "table"])
# The browser also makes links of bare addresses, which this parser does not.
ADDRESS = re.compile(r"://|www\.|\w@\w+\.")
HOSTILE = [
    "[text](http://evil.example)",
    "![x](http://evil.example/x.png)",
    "span:1-[a](http://evil.example)![x](//evil.example/x)",
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "https://evil.example/path",
    "www.evil.example",
    "someone@evil.example",
    "**bold** __bold__ _slanted_ ~~gone~~ `code`",
    "# heading",
    "> quotation",
    "- list",
    "1. list",
    "12) list",
    "&lt;b&gt; &#60;",
    "a\\*b\\",
    "dance__01__final.bvh",
    "two\nlines\n\n# and a heading",
    "***",
    "===",
]
MARKUP = re.compile(r"<(?!/?p>)[^>]*>")


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("walk1_subject1.bvh", ["walk1_", "subject1", ".bvh"]),
        ("<b>_x.npz", ["&lt;b&gt;_", "x", ".npz"]),
        ("README", ["README"]),
        (".bvh", ["", ".bvh"]),
    ],
)
def test_a_files_name_breaks_between_its_words(name, lines):
    assert escape.breakable(name).split("<wbr>") == lines


def rendered(text: str) -> str:
    return RENDER.render(text).strip()


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_shows_the_words_alone(text):
    html = rendered(escape.markdown(text))
    assert not MARKUP.search(html), html
    words = html.removeprefix("<p>").removesuffix("</p>")
    for entity, letter in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
        words = words.replace(entity, letter)
    assert words.replace("\u2060", "") == " ".join(text.split())
    assert not ADDRESS.search(escape.markdown(text))


@settings(deadline=None)
@given(some.text(alphabet="ab1 \n\\`*_{}[]()<>#+-.!|~$:^=@&/'\"", max_size=30))
def test_no_text_becomes_markup(text):
    html = rendered("x " + escape.markdown(text))
    assert not MARKUP.search(html), html


@pytest.mark.parametrize(
    "text", [":material/delete:", ":red[x]", "$a$", ":smile:", "a :blue-background[b]"]
)
def test_streamlits_own_marks_are_broken(text):
    assert not re.search(r"(?<!\\):\w|(?<!\\)\$|(?<!\\)\[", escape.markdown(text))


@pytest.mark.parametrize("text", ["dance_081bpm_test032", "SPEC x: not a pattern; correct it"])
def test_what_needs_no_mark_stays_as_it_is(text):
    assert escape.markdown(text) == text


@pytest.mark.parametrize("text", ["a", "`", "a``b", "`a`", " a", "", "[a](b)", "x\ny"])
def test_code_ends_where_it_should(text):
    html = rendered(f"see {escape.code(text)} there")
    assert html.startswith("<p>see <code>")
    assert html.endswith("</code> there</p>")
    assert html.count("<code>") == 1


def test_html_leaves_no_tag_and_no_attribute():
    assert escape.html("\"><img src=x>'") == "&quot;&gt;&lt;img src=x&gt;&#x27;"
