"""The rules of the house, on the source itself: layers, circles, names, lines, comments, folders.

ARCHITECTURE.md draws the tree and CONTRIBUTING.md says the rules. pyproject.toml holds the layers.
"""

import ast
import io
import re
import tokenize
import tomllib
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("mmm", "training", "dashboard", "data")
SOURCES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]

# Names that the field has better words for. A name is refused as a whole identifier.
OLD_TERMS = {
    *("trust", "Trust", "believed", "resting", "stirring", "stirs", "liveliness", "leaps_m"),
    *("planting", "plant_feet", "hold_feet", "planted", "unhurried", "noise_size", "variety"),
    *("seed_frames", "goes_on", "go_on", "stray", "strayed", "wrong_song", "hearing", "Probe"),
    *("judge", "Judgement", "edge_s", "edge_alone_s", "Answer", "_brought_back", "shelf", "Book"),
    *("Contest", "contests", "changing", "corrections", "pressing", "dress", "settle", "bring"),
    *("give_up", "TORN", "CLOSE_S", "ANCHORS_FRAMES"),
}
# Locals that do not say what they hold.
VAGUE_LOCALS = {"found", "one", "at", "wanted", "where", "own", "whole", "told", "said", "heard"}


def module_of(path):
    """The dotted name of a source file."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def folder_of(path):
    """The package, or the folder in it, to which a source file counts."""
    return "/".join(path.relative_to(ROOT).parts[:-1][:2])


MODULES = {module_of(path): path for path in SOURCES}
FOLDERS = sorted({folder_of(path) for path in SOURCES})


@cache
def tree_of(path):
    return ast.parse(path.read_text(), str(path))


def imports_of(path):
    """Our own modules that a file imports anywhere, inside functions too."""
    names = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: a relative import"
            for alias in node.names:
                member = f"{node.module}.{alias.name}"
                names.add(member if member in MODULES else node.module)
    return {name for name in names if name in MODULES and name != module_of(path)}


GRAPH = {name: imports_of(path) for name, path in MODULES.items()}


def circles(graph):
    """The strongly connected components of more than one node (Tarjan's algorithm)."""
    index, low, stack, components = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for target in sorted(graph[node]):
            if target not in index:
                visit(target)
                low[node] = min(low[node], low[target])
            elif target in stack:
                low[node] = min(low[node], index[target])
        if low[node] == index[node]:
            component = []
            while not component or component[-1] != node:
                component.append(stack.pop())
            if len(component) > 1:
                components.append(sorted(component))

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return components


def folders(graph, package):
    """The imports between the folders of a package; a file beside them is a folder of its own."""
    between = defaultdict(set)
    for name, targets in graph.items():
        here = ".".join(name.split(".")[:2])
        between[here] |= {
            ".".join(target.split(".")[:2]) for target in targets if target.startswith(package)
        } - {here, package}
    return {
        name: {target for target in targets if target in between}
        for name, targets in between.items()
        if name.startswith(f"{package}.")
    }


def test_circles_are_seen():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]
    assert circles({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_no_circle_of_modules():
    assert circles(GRAPH) == []


@pytest.mark.parametrize("package", PACKAGES)
def test_no_circle_of_folders(package):
    assert circles(folders(GRAPH, package)) == []


def layers():
    """Each module of mmm that the contract names, with its height from the bottom."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (contract,) = (c for c in contracts["contracts"] if c["type"] == "layers")
    rows = [re.split(r"\s*[|:]\s*", row) for row in contract["layers"]]
    return {name: height for height, row in enumerate(reversed(rows)) for name in row}


def test_no_import_of_a_higher_layer():
    heights = layers()
    upward = [
        f"{name} -> {target}"
        for name, targets in GRAPH.items()
        for target in targets
        if heights.get(".".join(name.split(".")[:2]), 99)
        < heights.get(".".join(target.split(".")[:2]), -1)
    ]
    assert upward == []


def test_every_folder_of_the_library_has_a_layer():
    named = set(layers())
    present = {".".join(name.split(".")[:2]) for name in MODULES if name.startswith("mmm.")}
    assert present - named == {"mmm.__main__"}


def test_our_own_modules_are_not_imported_by_string():
    calls = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in SOURCES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call)
        and getattr(node.func, "attr", getattr(node.func, "id", ""))
        in ("import_module", "__import__")
        and not (
            isinstance(node.args[0], ast.Constant)
            and node.args[0].value.split(".")[0] not in PACKAGES
        )
    ]
    assert calls == []


def identifiers(tree):
    """All names that a file gives or uses, with their lines; locals and the rest apart."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id, node.lineno, isinstance(node.ctx, ast.Store)
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno, True
        elif isinstance(node, ast.Attribute):
            yield node.attr, node.lineno, False
        elif isinstance(node, ast.keyword) and node.arg:
            yield node.arg, node.lineno, False
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name, node.lineno, False
        elif isinstance(node, ast.alias):
            yield node.name.split(".")[-1], node.lineno, False
            if node.asname:
                yield node.asname, node.lineno, False


@cache
def identifiers_of(path):
    """The identifiers of a file; many tests ask for them."""
    return list(identifiers(tree_of(path)))


def uses(names, stored_only=False):
    """Where some names stand, as ``file:line name``."""
    return [
        f"{path.relative_to(ROOT)}:{line} {name}"
        for path in SOURCES
        for name, line, stored in identifiers_of(path)
        if name in names and (stored or not stored_only)
    ]


@pytest.mark.parametrize("package", PACKAGES)
def test_the_fields_terms_are_used(package):
    assert [use for use in uses(OLD_TERMS) if use.startswith(f"{package}/")] == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_locals_say_what_they_hold(folder):
    assert [use for use in uses(VAGUE_LOCALS, True) if folder_of(ROOT / use) == folder] == []


def test_lines_end_by_column_100():
    lines = [
        line
        for package in (*PACKAGES, "tests")
        for path in (ROOT / package).rglob("*")
        if path.suffix in (".py", ".js", ".css")
        for line in path.read_text().splitlines()
    ]
    assert sum(len(line) > 100 for line in lines) < 0.01 * len(lines)


def comment_and_code_lines(text):
    """How many lines hold a comment, and how many hold code; a docstring is neither."""
    docstrings = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            docstrings |= set(range(node.lineno, node.end_lineno + 1))
    comments, code = set(), set()
    blank = (tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            if not token.string.startswith(("# noqa", "# type:")):
                comments.add(token.start[0])
        elif token.type not in blank:
            code |= set(range(token.start[0], token.end[0] + 1))
    return len(comments), len(code - docstrings)


def test_comments_are_counted():
    text = '"""A docstring.\n\nLong.\n"""\n# why\na = 1  # because\nb = (\n    2\n)\n'
    assert comment_and_code_lines(text) == (2, 4)


@pytest.mark.slow
@pytest.mark.parametrize("folder", FOLDERS)
def test_six_comments_in_a_hundred_lines_of_code(folder):
    counts = [
        comment_and_code_lines(path.read_text()) for path in SOURCES if folder_of(path) == folder
    ]
    comments, code = (sum(column) for column in zip(*counts, strict=True))
    assert 100 * comments / code >= 6


@pytest.mark.parametrize(
    ("package", "most"),
    [("mmm", 10), ("training", 3), ("dashboard", 5)],
)
def test_the_top_level_is_what_a_user_types(package, most):
    assert len([*(ROOT / package).glob("*.py")]) <= most


def test_no_folder_has_more_than_twenty_source_files():
    counts = defaultdict(int)
    for package in (*PACKAGES, "examples"):
        for path in (ROOT / package).rglob("*"):
            if path.suffix in (".py", ".js", ".css", ".ipynb") and "samples" not in path.parts:
                counts[str(path.parent.relative_to(ROOT))] += 1
    assert {folder: count for folder, count in counts.items() if count > 20} == {}


def test_files_are_under_300_lines():
    lengths = {module: len(path.read_text().splitlines()) for module, path in MODULES.items()}
    assert {module: length for module, length in lengths.items() if length > 300} == {}


def test_functions_are_under_50_lines():
    long = {}
    for module, path in MODULES.items():
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.FunctionDef) and node.body:
                # The signature of a command is its list of options: the body counts.
                body = [
                    n for n in node.body if not isinstance(getattr(n, "value", None), ast.Constant)
                ]
                length = (node.end_lineno - body[0].lineno + 1) if body else 0
                if length > 50:
                    long[f"{module}.{node.name}"] = length
    assert long == {}


def test_the_readme_is_short():
    text = (ROOT / "README.md").read_text()
    prose = re.sub(r"```.*?```|<!--.*?-->|\]\([^)]*\)", " ", text, flags=re.DOTALL)
    assert len(text.splitlines()) <= 120
    assert len(re.findall(r"[A-Za-z][\w'-]*", prose)) <= 750
