"""The dashboard: ``streamlit run dashboard/app.py``."""

import sys
from pathlib import Path

# `streamlit run` puts only this file's folder on the path.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from dashboard.router import run

run()
