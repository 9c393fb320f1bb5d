"""The runs of an ablation study on disk: their folders, and which of them are finished."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mmm.storage import write_text
from training.benchmark.ablation import AGAIN, Study
from training.data.dataset import MotionSet
from training.plans.plan import plan_to_dict
from training.plans.recipes import PRETRAINING, Recipe


@dataclass(frozen=True)
class Settings:
    """The settings of one call of the command."""

    study: Study
    data: Path
    steps: int
    clips: int
    frames: int
    split: str
    seed: int
    runs: Path

    def recipe(self, name: str) -> Recipe:
        """A variant: its recipe at the study's size."""
        # The repetition differs from the full variant in its seed alone. The difference between the
        # two shows how much chance does.
        again = name.endswith(AGAIN)
        recipe = PRETRAINING[name.removesuffix(AGAIN)]
        plan = recipe.plan.scaled(self.steps)
        plan = replace(
            plan,
            batch=self.study.batch,
            warmup=min(plan.warmup, self.steps // 10),
            # `again` is a bool, so the repetition gets the next seed.
            seed=self.seed + again,
        )
        return Recipe(recipe.network, plan, recipe.changes | dict(self.study.size))

    def folder(self, name: str) -> Path:
        """The folder of a variant's run."""
        return self.runs / name


def asked(settings: Settings, name: str, data: MotionSet) -> dict[str, Any]:
    """Everything that a trained variant depends on, as JSON values."""
    recipe = settings.recipe(name)
    # How often the state is saved does not change the weights, so it may differ between two calls.
    plan = {key: value for key, value in plan_to_dict(recipe.plan).items() if key != "save_every"}
    run = {
        "network": recipe.network,
        "changes": recipe.changes,
        "plan": plan,
        "data": settings.data.resolve().name,
        # A set that is prepared again keeps its name; a different number of frames reveals it.
        "frames": int(data.lengths.sum()),
    }
    # settings.json holds lists where the plan has tuples. The detour makes both sides comparable.
    return json.loads(json.dumps(run))


def is_trained(settings: Settings, name: str, requested: dict[str, Any]) -> bool:
    """Whether a variant is finished with exactly these settings."""
    return (
        stored(settings.folder(name) / "settings.json") == requested
        and _checkpoint(settings, name) is not None
    )


def _checkpoint(settings: Settings, name: str) -> Path | None:
    folder = settings.folder(name) / "net"
    # metrics.json is written last, so a folder with it holds all weights.
    return folder if (folder / "metrics.json").is_file() else None


def stored(path: Path) -> Any:
    """The content of a JSON file; None where there is no such file."""
    return json.loads(path.read_text()) if path.is_file() else None


def write(path: Path, text: str) -> None:
    """Replace a file, and make its folder where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, text)


def first_difference(before: dict[str, Any], requested: dict[str, Any]) -> str:
    """The first difference between a run on disk and the requested one, for a message."""
    # Coarse settings first, because another network or set also changes the fields that follow.
    for key in ("network", "data", "frames", "changes", "plan"):
        old, new = before.get(key), requested[key]
        if isinstance(old, dict):
            # The names of both sides, since a field may be missing from a run of an older version.
            for name in {**old, **new}:
                if old.get(name) != new.get(name):
                    return f"{name} {old.get(name)}, now {new.get(name)}"
        elif old != new:
            return f"{key} {old}, now {new}"
    return "other settings"
