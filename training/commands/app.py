"""All commands of ``python -m training``, under the names that a user types."""

from collections.abc import Callable

import typer

from mmm.cli.options import with_groups
from training.commands import ablation, benchmark
from training.commands.calibrate import calibrate
from training.commands.evaluate import evaluate_checkpoint
from training.commands.finetune import finetune
from training.commands.music_use import music_use
from training.commands.pretrain import pretrain
from training.commands.quantise import quantise
from training.commands.results import cards, results
from training.commands.speed import speed
from training.commands.words import words

app = typer.Typer(
    # Shell completion would add two options to --help that have nothing to do with training.
    add_completion=False,
    # Typer's framed tracebacks can print local variables, which here are whole tensors.
    pretty_exceptions_enable=False,
    # Markup would drop words in square brackets, such as those of .[serve].
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Train, fine-tune and measure masked motion networks.",
)
COMMANDS: dict[str, Callable[..., None]] = {
    "pretrain": pretrain,
    "finetune": finetune,
    "calibrate": calibrate,
    "quantise": quantise,
    "evaluate": evaluate_checkpoint,
    "music-use": music_use,
    "speed": speed,
    "words": words,
    "cards": cards,
    "results": results,
}
for name, command in COMMANDS.items():
    app.command(name)(with_groups(command))
app.add_typer(benchmark.app, name="benchmark")
app.add_typer(ablation.app, name="ablation")
