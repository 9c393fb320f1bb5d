"""Background measurement for the leaderboard: one run per server, visible to all visitors."""

import threading

import streamlit as st

from dashboard.work.engine import submit
from dashboard.work.jobs import Job, loaded_models
from mmm.evaluation import leaderboard
from mmm.evaluation.leaderboard import Benchmark
from mmm.evaluation.measurements import ResultsFile


class Runner:
    """The current run, or the last one."""

    def __init__(self) -> None:
        self.job: Job[list[str]] | None = None
        self._lock = threading.Lock()

    @property
    def busy(self) -> bool:
        """Whether something is being measured."""
        return self.job is not None and self.job.running

    def start(self, benchmark: Benchmark, results: ResultsFile) -> bool:
        """Hand a run to the engine; False if one is running already."""
        # Two visitors may press Measure at once, but the results file allows only one run.
        with self._lock:
            if self.busy:
                return False
            models = loaded_models()

            def work(job: Job[list[str]]) -> list[str]:
                return leaderboard.measure(benchmark, results, models.get, job.advance)

            self.job = submit(Job(benchmark, again="Measure"), work, long=True, for_server=True)
            return True


@st.cache_resource(show_spinner=False)
def runner() -> Runner:
    """The server's runner."""
    return Runner()
