"""``python -m data NAME ...``: the command line of the data sets."""

import typer

from data import prepare
from data.command_line import guarded
from data.read_all import read_all

app = typer.Typer(
    add_completion=False,
    # Typer's tracebacks print all local variables, whole arrays among them.
    pretty_exceptions_enable=False,
    # Markup would drop words in square brackets, such as those of .[serve].
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Prepare data sets for training, and check what can be read.",
)
app.add_typer(prepare.app, name="prepare")
app.command("read-all")(guarded(read_all))

if __name__ == "__main__":
    app(prog_name="python -m data")
