"""Shapes of the library are checked while it is tested; fixtures for tests in a real browser."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jaxtyping
import pytest

# Before torch is imported: each test process computes on one core, and so do the programs it starts.
os.environ.setdefault("OMP_NUM_THREADS", "1")

jaxtyping.install_import_hook(["mmm"], "tests.shapes.check")

import tests.shapes  # noqa: E402, F401  (the hook finds it as an attribute of the package)
from tests.browser import FLAGS, AppServer, Watched  # noqa: E402

STEPPED_BACK = pytest.StashKey[bool]()


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Processes of the whole run; a few files run in this one, which starts faster and can be debugged."""
    files = [Path(argument.partition("::")[0]) for argument in config.args]
    if all(path.suffix == ".py" for path in files):
        return 0
    # One more than cores: the one with the browser waits for what is drawn. A further one gains
    # nothing: each takes half a minute to import the library, whose functions check their shapes here.
    return (os.cpu_count() or 1) + 1


def pytest_runtest_setup(item: pytest.Item) -> None:
    """One of several processes steps back once it is past the browser's tests, whose pages must answer in time."""
    several = hasattr(item.config, "workerinput") and hasattr(os, "nice")
    if (
        several
        and item.get_closest_marker("browser") is None
        and not item.config.stash.get(STEPPED_BACK, False)
    ):
        item.config.stash[STEPPED_BACK] = True
        os.nice(5)


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Compile librosa's functions before the first of several processes needs them.

    In a new environment that takes up to a minute, in which all others would wait.
    """
    if getattr(session.config.option, "numprocesses", None):
        from mmm.music import compiled

        if (compiling := compiled.prepare()) is not None:
            compiling.join()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests first: they take longest, and the short files fill the end of a run evenly."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is None)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """All browser tests run in one process; of the rest a file stays in one process.

    Two browsers at once would draw so slowly that tests of playback fail on two cores. A file's
    tests share servers and trained networks.
    """
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            path = nodeid.partition("::")[0]
            return "browser" if path.endswith("_browser.py") else path

    return Scheduling(config, log)


@pytest.fixture(scope="session")
def chromium() -> Iterator[object]:
    """One headless Chromium for the whole run; skips where none is installed."""
    path = (
        shutil.which("chromium")
        or shutil.which("chromium-browser")
        or shutil.which("google-chrome")
    )
    if path is None:
        pytest.skip("no chromium or google-chrome on this machine")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def app_server() -> Iterator[AppServer]:
    """Starts Streamlit scripts when asked, one server a script, and ends them after the run."""
    servers = AppServer()
    yield servers
    servers.close()


@pytest.fixture
def new_page(chromium) -> Iterator[object]:
    """``new_page(width=1400, height=1000, dark=False)`` gives a watched page of a browser context of its own.

    Nothing plays by itself on it unless ``moving``: a machine without a graphics card draws a
    playing stage slowly, and most tests do not look at one.

    After the test every page must be free of console errors, unless the test emptied ``watched.problems`` itself.
    """
    opened: list[Watched] = []

    def new(
        width: int = 1400, height: int = 1000, dark: bool = False, moving: bool = False
    ) -> Watched:
        opened.append(
            Watched(
                chromium.new_context(
                    viewport={"width": width, "height": height},
                    color_scheme="dark" if dark else "light",
                    reduced_motion="no-preference" if moving else "reduce",
                )
            )
        )
        return opened[-1]

    yield new
    problems = [problem for watched in opened for problem in watched.problems]
    for watched in opened:
        watched.context.close()
    assert not problems, problems


@pytest.fixture
def open_page(new_page, app_server: AppServer) -> object:
    """``open_page(script, "?query", width=1400, height=1000, ...)``: a new page that shows a script."""

    def open_(script: str, query: str = "", **looks: Any) -> Watched:
        watched = new_page(**looks)
        watched.page.goto(app_server.url(script) + query)
        return watched

    return open_
