"""The leaderboard: networks and interpolations compared over many clips and patterns."""

from collections.abc import Sequence

import streamlit as st

from dashboard.common import escape, layout, widgets
from dashboard.common.progress import follow
from dashboard.components.charts.table import Cell, Row, pack_table, sorted_table
from dashboard.files.entries import Entry, find_entries, shown_name
from dashboard.views.leaderboard_gaps import gaps_section
from dashboard.work import leaderboard_run
from dashboard.work.networks import list_checkpoints
from mmm import MMMError
from mmm.checkpoints import CheckpointInfo
from mmm.evaluation import leaderboard
from mmm.evaluation.leaderboard import PATTERNS, Benchmark
from mmm.evaluation.measurements import ResultsFile
from mmm.evaluation.standings import METRICS, Section, as_csv, markdown, standings
from mmm.interpolation.baselines import BASELINES
from mmm.viewer.palette import FURTHER, MODEL, method_colour

MOST_CLIPS = 60
"""Largest number of clips in one measurement; a clip takes some seconds."""
MODEL_COLOURS = {
    "light": (MODEL["light"], *FURTHER["light"], "#d6336c"),
    "dark": (MODEL["dark"], *FURTHER["dark"], "#f783ac"),
}


def page() -> None:
    """Draw the page."""
    layout.page_header("Leaderboard")
    st.sidebar.html(
        '<div class="wb-brand">Leaderboard'
        "<span>Networks and interpolations compared with recordings, over many clips.</span></div>"
    )
    st.html(
        '<div class="wb-title"><h1>Leaderboard</h1></div><p class="wb-lead">Mean errors over '
        f"hidden entries, in the first {leaderboard.FRAMES} frames of each clip. Networks and "
        "interpolations fill the same entries of the same clips. Networks that fit "
        "different clips have separate tables.</p>"
    )
    benchmark, problem = _benchmark()
    results = ResultsFile()
    with st.sidebar:
        _run_box(benchmark, results, problem)
    sections = standings(benchmark, results) if benchmark.clips else []
    if not sections:
        st.info(
            "Nothing has been measured for these clips and patterns yet. Press **Measure** in the "
            "side bar. It runs in the background, can be stopped, and keeps its results.",
            icon=":material/leaderboard:",
        )
        return
    metric = str(
        st.segmented_control(
            "Metric",
            list(METRICS),
            key="board_metric",
            default="position_cm",
            required=True,
            format_func=lambda name: METRICS[name][0],
            label_visibility="collapsed",
        )
    )
    # plotly and the table's dots need fixed colours, not CSS variables of the theme.
    dark = st.context.theme.type == "dark"
    colours = colours_of(benchmark.checkpoints, dark)
    for number, section in enumerate(sections):
        _table(section, benchmark.patterns, metric, colours, number)
    gaps_section(sections[0], benchmark.patterns, metric, colours)
    _exports(sections, benchmark.patterns, metric)


def _benchmark() -> tuple[Benchmark, str]:
    """The side bar: the clips, patterns and networks to compare, and what is wrong with them."""
    cards = list_checkpoints()
    with st.sidebar:
        chosen_entries = _pick_clips()
        st.caption(f"{len(chosen_entries)} clips")
        chosen = st.multiselect(
            "Networks",
            [card.name for card in cards],
            key="board_networks",
            # Without networks that continue a motion, which are not trained for gaps.
            default=[card.name for card in cards if not card.can_generate],
        )
        text = st.text_input(
            "Patterns",
            " ".join(PATTERNS),
            key="board_patterns",
            help="SPECs, separated by spaces; gap:N hides N frames in the middle.",
        )
    patterns, problem = checked(text)
    return Benchmark(
        tuple(entry.path for entry in chosen_entries),
        patterns,
        tuple(card for card in cards if card.name in chosen),
    ), problem


def _pick_clips() -> list[Entry]:
    """All samples, or some of the files of another folder."""
    entries, state = find_entries(), st.session_state
    groups = list(dict.fromkeys(entry.group for entry in entries))
    # The chosen folder may be gone; the first one then replaces it.
    if state.get("board_group") not in groups:
        state.board_group = groups[0] if groups else None
    group = st.selectbox(
        "Clips from",
        groups,
        key="board_group",
        help="The samples belong to the test split: no network here was trained on them. "
        "Add folders of your own with the environment variable MMM_DATA.",
    )
    of_group = [entry for entry in entries if entry.group == group]
    if group == "Samples":
        return of_group
    words = st.text_input("Name contains", key="board_words", placeholder="walk").lower().split()
    named = [entry for entry in of_group if all(word in entry.label.lower() for word in words)]
    most = st.slider(
        "At most",
        1,
        MOST_CLIPS,
        12,
        key="board_most",
        format="%d clips",
        help="Chosen evenly from the sorted names.",
    )
    return spread(named, int(most))


def spread(entries: Sequence[Entry], most: int) -> list[Entry]:
    """At most ``most`` entries, evenly spaced."""
    if len(entries) <= most:
        return list(entries)
    return [entries[i * len(entries) // most] for i in range(most)]


def checked(text: str) -> tuple[tuple[str, ...], str]:
    """The valid patterns in a line of text, and what is wrong with the first invalid one."""
    patterns = tuple(dict.fromkeys(text.split()))
    try:
        for pattern in patterns:
            leaderboard.check_pattern(pattern)
    except MMMError as error:
        # The loop has stopped at the invalid pattern, which `pattern` still holds.
        return tuple(p for p in patterns if p != pattern), str(error)
    return patterns, ""


def _run_box(benchmark: Benchmark, results: ResultsFile, problem: str) -> None:
    # The server has one runner, so a run of another user is shown here, too.
    runner = leaderboard_run.runner()
    if problem:
        st.error(escape.markdown(problem), icon=":material/error:")
    ready = bool(benchmark.clips and benchmark.patterns) and not problem
    if widgets.button(
        "Measure",
        key="measure",
        type="primary",
        width="stretch",
        icon=":material/speed:",
        disabled=not ready or runner.busy,
        help="Results that exist already are not measured again.",
    ):
        widgets.release("measure")
        runner.start(benchmark, results)
    job = runner.job
    if job is None:
        return
    if job.running:
        follow(job, "measure-cancel", help_="Stop; finished results are kept.")
    elif job.error:
        st.warning(
            f"{escape.markdown(job.error)} Finished results are kept.", icon=":material/warning:"
        )
    for remark in job.results or ():
        st.caption(escape.markdown(remark))


def colours_of(cards: Sequence[CheckpointInfo], dark: bool) -> dict[str, str]:
    """Colours by method: interpolations have their own, networks take theirs in order."""
    # Repeated if there are more networks than colours.
    palette = MODEL_COLOURS["dark" if dark else "light"]
    return {card.name: palette[i % len(palette)] for i, card in enumerate(cards)} | {
        name: method_colour(name, dark) for name in BASELINES
    }


def _table(
    section: Section, patterns: Sequence[str], metric: str, colours: dict[str, str], number: int
) -> None:
    payload = table_of(section, patterns, metric, colours)
    st.markdown(f"**{METRICS[metric][0]}, {METRICS[metric][1]}** over {len(section.clips)} clips")
    sorted_table(payload, key=f"board-{number}")
    _legend(section)
    # A longer list would push the next table out of sight.
    if len(section.clips) <= 12:
        st.caption(escape.markdown("; ".join(map(shown_name, section.clips))))


def _legend(section: Section) -> None:
    """The meaning of the marks in a table."""
    st.caption(
        "Click a column's head to sort. Bold: the best mean. Dotted: the 95 % interval (in small "
        "print, over clips) includes the best mean, so the difference may be chance."
    )
    # Explained only if there is a star.
    if any(cell.outdated for cell in section.cells.values()):
        st.caption(
            "\\*: measured by an earlier version of the code; press **Measure** to renew it."
        )


def table_of(
    section: Section, patterns: Sequence[str], metric: str, colours: dict[str, str]
) -> bytes:
    """A section as a table: a row for each method, a column for each pattern."""
    shown = [pattern for pattern in patterns if any(p == pattern for _, p in section.cells)]
    columns = []
    for pattern in shown:
        # All methods of a section share their entries, so any cell has the counts.
        over = next(cell for (_, p), cell in section.cells.items() if p == pattern)
        columns.append((pattern.replace("gap:", "gap of "), f"{over.clips} clips, {over.hidden:,}"))
    rows = []
    for method in section.methods:
        cells = []
        for pattern in shown:
            # A stopped run leaves cells without a measurement.
            cell = section.cells.get((method, pattern))
            mean = cell.means[metric] if cell else None
            if cell is None or mean is None:
                cells.append(
                    Cell(None, "–", "not measured" if cell is None else "nothing is hidden here")
                )
                continue
            interval = cell.intervals[metric]
            span = (
                f"; 95 % interval over clips: {interval[0]:.2f} to {interval[1]:.2f}"
                if interval
                else ""
            )
            # A star, not a colour, so that it is visible in print and to everybody.
            age = "; measured by an earlier version of the code" if cell.outdated else ""
            cells.append(
                Cell(
                    mean,
                    f"{mean:.2f}{'*' if cell.outdated else ''}",
                    f"{method}, {pattern}: {cell.clips} clips, {cell.hidden:,} hidden "
                    f"entries{span}{age}",
                    mean == section.best(pattern, metric),
                    section.ties(method, pattern, metric),
                    f"{interval[0]:.2f}–{interval[1]:.2f}" if interval else "",
                )
            )
        rows.append(Row(method, colours.get(method, "#888"), tuple(cells)))
    return pack_table(f"{METRICS[metric][0]} by method and pattern", columns, rows)


def _exports(sections: Sequence[Section], patterns: Sequence[str], metric: str) -> None:
    with st.container(horizontal=True):
        st.download_button(
            "CSV",
            as_csv(sections),
            "leaderboard.csv",
            key="board-csv",
            icon=":material/download:",
            on_click="ignore",
            help="All metrics, with intervals",
        )
        st.download_button(
            "Markdown",
            markdown(sections, patterns, metric),
            f"leaderboard-{metric}.md",
            key="board-md",
            icon=":material/download:",
            on_click="ignore",
            help="The tables as shown here",
        )
    st.caption(
        "On the command line: `python -m mmm leaderboard --clips FILE...`. "
        "Results of earlier versions of a checkpoint or a file are not shown."
    )
