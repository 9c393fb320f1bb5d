"""Settings that matter hold from whatever folder the app is started in."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
READ = """
import json, sys
from streamlit import config
config._main_script_path = sys.argv[1]
config.get_config_options(force_reparse=True, options_from_flags=json.loads(sys.argv[2]))
names = ("server.address", "server.fileWatcherType", "server.maxUploadSize", "browser.gatherUsageStats",
         "client.showErrorDetails", "runner.postScriptGC", "server.enableAgentApi")
print(json.dumps({name: config.get_option(name) for name in names}))
"""


def settings(folder: Path, flags: dict[str, str] | None = None) -> dict[str, object]:
    printed = subprocess.run(
        [sys.executable, "-c", READ, str(ROOT / "dashboard" / "app.py"), json.dumps(flags or {})],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(json.loads(printed.stdout))


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["project", "elsewhere", "with settings of its own"])
def test_the_apps_settings_hold_from_any_folder(tmp_path, folder):
    if folder == "with settings of its own":
        (tmp_path / ".streamlit").mkdir()
        (tmp_path / ".streamlit" / "config.toml").write_text("[server]\naddress = '0.0.0.0'\n")
    assert settings(ROOT if folder == "project" else tmp_path) == {
        "server.address": "127.0.0.1",
        "server.fileWatcherType": "none",
        "server.maxUploadSize": 200,
        "browser.gatherUsageStats": False,
        "client.showErrorDetails": "type",
        "runner.postScriptGC": False,
        "server.enableAgentApi": False,
    }


def test_the_one_who_starts_the_server_may_ask_otherwise(tmp_path):
    asked = settings(tmp_path, {"server.address": "0.0.0.0"})
    assert asked["server.address"] == "0.0.0.0"
    assert asked["server.fileWatcherType"] == "none"
