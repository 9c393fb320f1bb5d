"""Masked motion modelling from scratch: ``python -m training.pretrain --preset ecm-small --data DIR --out DIR``."""

import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import torch
import typer

from mmm.checkpoint import save_model
from mmm.errors import MMMError, ModelError
from mmm.models import MaskedMotionConfig, make_config, make_model
from training.card import write_card
from training.dataset import MotionSet
from training.loop import TrainingPlan, plan_to_dict, train
from training.masking import MaskMix

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

ORIGINAL = TrainingPlan(batch=32, learning_rate=1e-4, warmup=0, decay=False, min_frames=120, max_frames=300, loss="mse",
                        corruption=True, shift_positions=False,
                        masks=MaskMix(random=1, every=0, keep_hide=0, span=0, joint_share=0))
"""The original's recipe, first stage; the published schedule lowers the rate in further stages."""
PLANS = {"3bert": replace(ORIGINAL, steps=43_000), "ecm": replace(ORIGINAL, steps=53_000),
         "common": replace(ORIGINAL, steps=20_000, batch=128)}


@app.command()
def main(
    preset: Annotated[str, typer.Option(help="ecm, 3bert, common, or one of these with -small")],
    data: Annotated[Path, typer.Option(help="a prepared set: a folder with train/, val/ and test/")],
    out: Annotated[Path, typer.Option(help="the checkpoint's folder")],
    run_dir: Annotated[Path | None, typer.Option(help="where the resumable state lies; default runs/NAME")] = None,
    steps: Annotated[int, typer.Option(help="0: the preset's own")] = 0,
    batch: Annotated[int, typer.Option(help="0: the preset's own")] = 0,
    max_frames: Annotated[int, typer.Option(help="longest training window; 0: the preset's own")] = 0,
    seed: int = 0,
    threads: Annotated[int, typer.Option(help="CPU threads; 0: all")] = 0,
    fresh: Annotated[bool, typer.Option(help="ignore an unfinished run")] = False,
) -> None:
    """Train a network from scratch; interrupted, the same command goes on where it was."""
    if threads:
        torch.set_num_threads(threads)
    plan = PLANS.get(preset, TrainingPlan())
    plan = replace(plan, seed=seed, steps=steps or plan.steps, batch=batch or plan.batch,
                   min_frames=min(plan.min_frames, max_frames or plan.min_frames),
                   max_frames=max_frames or plan.max_frames)
    try:
        _run(preset, data, out, run_dir or Path("runs") / out.name, plan, fresh)
    except MMMError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None


def _run(preset: str, data: Path, out: Path, run_dir: Path, plan: TrainingPlan, fresh: bool) -> None:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    split = MotionSet(data / "train", device)
    config = _config(preset, plan, split)
    if split.joint_names and split.joint_names != config.joint_names:
        raise ModelError(str(data), f"a skeleton of {len(split.joint_names)} joints from {split.joint_names[0]}",
                         f"the network's {config.joints}", "prepare the set for this skeleton")
    config.stats = split.fit_stats(config.max_frames).to_dict()
    if config.fill != "zero":
        config.standard = split.fit_standard(config.max_frames)
    torch.manual_seed(plan.seed)
    model, curve = train(make_model(config), split, plan, run_dir, resume=not fresh)
    command = "python -m training.pretrain " + shlex.join(sys.argv[1:])
    training = {"command": command, "plan": plan_to_dict(plan), "clips": len(split.clips), "data": data.name,
                "frames": int(split.lengths.sum()), "curve": curve}
    save_model(model, out, {"training": training})
    write_card(out)
    typer.echo(f"wrote {out}; now: python -m training.evaluate --checkpoint {out} --data {data}")


def _config(preset: str, plan: TrainingPlan, split: MotionSet) -> MaskedMotionConfig:
    """The preset for the set's frame rate and body; widened where the body has too many joints for it."""
    fields: dict[str, Any] = {"trained_masks": plan.masks.specs}
    if split.fps:
        fields["fps"] = split.fps
    if split.skeleton is not None:
        body = split.skeleton
        fields |= {"joint_names": list(body.names), "joint_parents": list(body.parents),
                   "joint_offsets_m": body.offsets_m.astype(float).round(6).tolist()}
    try:
        return make_config(preset, **fields)
    except ModelError as error:
        if error.where != "config.json hidden_size":
            raise
    joints = len(split.joint_names or ())
    step = 80 if preset == "3bert" else 64  # widths that its heads divide
    width = -(-(10 * joints + 5) // step) * step  # room for 9 numbers and a mask a joint, the root, two distances
    typer.echo(f"{joints} joints: {preset} widened to {width}")
    return make_config(preset, **fields, hidden_size=width)


if __name__ == "__main__":
    app()
