"""What tests of the page share: a checkpoint to recover with, the page in AppTest, made-up files."""

import functools
import os
import re
import shutil
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from dashboard.work.jobs import wait_for_torch
from mmm import Clip, save_clip
from mmm.motion.skeleton import SMPL24
from mmm.viewer.payload import unpack
from tests.mmm.making import smooth_motion

ROOT = Path(__file__).resolve().parents[2]
APP = ROOT / "dashboard" / "app.py"
MODEL = "dance-3bert-small"
SAMPLE = "Samples/dance_081bpm_test032_dancer00"


@pytest.fixture(scope="session", autouse=True)
def components_are_looked_for_once() -> Iterator[None]:
    """Every AppTest searches the metadata of all installed packages for components: half a second each time."""
    scan = functools.cache(manifest_scanner.scan_component_manifests)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", scan)
        yield


@pytest.fixture(scope="session")
def checkpoint_folder(tmp_path_factory) -> Path:
    """The shipped checkpoints, else a folder with an untrained network of the same name (it equals slerp)."""
    if (ROOT / "checkpoints" / MODEL / "config.json").is_file():
        return ROOT / "checkpoints"
    from mmm.checkpoints import save_model
    from mmm.models import make_config, make_model

    folder = tmp_path_factory.mktemp("checkpoints")
    config = make_config("ecm-small", cross_layers=1)
    save_model(make_model(config), folder / MODEL, {})
    return folder


@pytest.fixture(scope="session")
def roles_folder(checkpoint_folder, tmp_path_factory) -> Path:
    """The dance network, and a small random network on joint roles."""
    # An earlier test's page may still import torch behind it, and two imports at once see half of it.
    wait_for_torch()
    from tests.mmm.networks import save_roles_network

    folder = tmp_path_factory.mktemp("with-roles")
    shutil.copytree(checkpoint_folder / MODEL, folder / MODEL)
    save_roles_network(folder / "inbetween")
    return folder


@pytest.fixture(scope="session")
def networks(tmp_path_factory) -> Path:
    """A folder of networks that generate."""
    wait_for_torch()
    from tests.dashboard.futures import save_future_networks

    return save_future_networks(tmp_path_factory.mktemp("futures"))


@pytest.fixture(scope="session")
def address(checkpoint_folder) -> Iterator[str]:
    """Where the workbench is served, for a browser; started on first use, and kept for all files."""
    from tests.browser import AppServer

    servers = AppServer()
    yield servers.url(
        "dashboard/app.py", {"MMM_CHECKPOINTS": str(checkpoint_folder), "MMM_DATA": ""}
    )
    servers.close()


@pytest.fixture(scope="session")
def humanoids(tmp_path_factory) -> Path:
    """Files without music: ``plain.bvh``, and ``nameless.bvh``, in which the left leg's names tell nothing."""
    folder = tmp_path_factory.mktemp("humanoids")
    names = tuple(
        f"Bone{j}" if name in ("left_hip", "left_knee") else name
        for j, name in enumerate(SMPL24.names)
    )
    for name, skeleton in (("plain", SMPL24), ("nameless", replace(SMPL24, names=names))):
        save_clip(Clip(name, smooth_motion(5, 120, skeleton, 50.0)), folder / f"{name}.bvh")
    return folder


@pytest.fixture(scope="session")
def made_clip() -> Clip:
    """90 smooth frames of the SMPL body at 60 a second, no music."""
    return Clip("made", smooth_motion(3, 90, SMPL24, 60.0))


@pytest.fixture
def page_env(checkpoint_folder, tmp_path, monkeypatch) -> Iterator[Path]:
    """The environment of a page: the checkpoint, an empty folder in MMM_DATA (given back), nothing cached."""
    st.cache_data.clear()
    st.cache_resource.clear()
    folder = tmp_path / "mine"
    folder.mkdir()
    monkeypatch.setenv("MMM_CHECKPOINTS", str(checkpoint_folder))
    monkeypatch.setenv("MMM_DATA", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    yield folder
    st.cache_data.clear()
    st.cache_resource.clear()


def _is_picker(key: str | None, name: str) -> bool:
    return re.fullmatch(rf"pick-{re.escape(name)}~\d+", key or "") is not None


def _as_seen(text: str) -> str:
    """Markdown without the backslashes of its escapes."""
    return re.sub(r"\\([^\w\s])", r"\1", text)


def _workers() -> str:
    """Where the threads that work for the page are."""
    frames = sys._current_frames()
    return "\n".join(
        f"{thread.name}:\n{''.join(traceback.format_stack(frames[thread.ident])[-6:])}"
        for thread in threading.enumerate()
        if thread.ident in frames and thread.name.startswith(("engine-worker", "warm-up"))
    )


class Page:
    """The workbench in AppTest, spoken of as a user would."""

    def __init__(self, **query: str) -> None:
        self.app = AppTest.from_file(str(APP), default_timeout=60)
        for name, value in query.items():
            self.app.query_params[name] = value
        self.run()

    def run(self) -> "Page":
        self.app.run()
        assert not self.app.exception, self.app.exception
        return self

    def go(self, url_path: str) -> "Page":
        """To another page, as by its link; the workbench is ``""``."""
        self.app._page_hash = calc_hash(url_path)
        self.app.query_params.clear()
        return self.run()

    def set(self, key: str, value: Any) -> "Page":
        """A widget's new value, by key, as a user sets it."""
        kinds = ("selectbox", "slider", "number_input", "text_input", "multiselect", "button_group")
        widget = next(
            w
            for kind in kinds
            for w in self.app.get(kind)
            if w.key == key or _is_picker(w.key, key)
        )
        widget.set_value(value)
        return self.run()

    def picker(self, name: str) -> Any:
        """The selectbox of ``dashboard.common.picker``."""
        return next(w for w in self.app.selectbox if _is_picker(w.key, name))

    def press(self, key: str) -> "Page":
        next(b for b in self.app.button if b.key == key).click()
        return self.run()

    def until(self, done: Callable[["Page"], Any], limit_s: float = 60.0) -> "Page":
        """What the browser does on its own: look again until it is so."""
        end = time.monotonic() + limit_s
        while not done(self):
            assert time.monotonic() < end, (
                f"not within {limit_s} s; the page says {self.said}\n{_workers()}"
            )
            time.sleep(0.05)
            self.run()
        return self

    def taken_in(self) -> "Page":
        """Wait until the files that the upload box was given are read."""
        return self.run().until(lambda page: not page.has("cancel-upload"))

    def recovered(self) -> "Page":
        """Wait for the recovery that runs."""
        return self.until(lambda page: page.table)

    def has(self, key: str) -> bool:
        return any(b.key == key for b in self.app.button)

    @property
    def stage(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Header and arrays of what the stage was fed."""
        return self.fed("mmm_stage")

    def fed(self, component: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        found = [
            e.proto for e in self.app.get("bidi_component") if e.proto.component_name == component
        ]
        assert len(found) == 1, [e.proto.component_name for e in self.app.get("bidi_component")]
        return unpack(found[0].bytes)

    @property
    def panels(self) -> list[str]:
        return [panel["name"] for panel in self.stage[0]["panels"]]

    @property
    def table(self) -> str:
        """The HTML of the table of means; empty before there is one."""
        return next((e.proto.body for e in self.app.get("html") if 'wb-table"' in e.proto.body), "")

    @property
    def address(self) -> dict[str, str]:
        """The page's query parameters."""
        return {
            name: value[0] if isinstance(value, list) else value
            for name, value in self.app.query_params.items()
        }

    @property
    def errors(self) -> list[str]:
        return [_as_seen(e.value) for e in self.app.error]

    @property
    def said(self) -> str:
        """All captions, errors and warnings in one text, as a reader sees them."""
        text = "\n".join(
            e.value for kind in ("caption", "error", "warning", "info") for e in self.app.get(kind)
        )
        return _as_seen(text)


@pytest.fixture
def open_workbench(page_env) -> Callable[..., Page]:
    """``open_workbench(sequence=..., hide=...)`` opens the page at this address."""
    assert os.environ["MMM_DATA"] == str(page_env)
    return Page
