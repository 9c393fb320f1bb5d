"""Every command that the documentation names can be given: it exists, and takes its options."""

import importlib
import importlib.util
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from training.plans.recipes import FINETUNING, PRETRAINING

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "data" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
RECIPES = {"pretrain": PRETRAINING, "finetune": FINETUNING}
APPS = {
    "mmm": "mmm.cli.app",
    "training": "training.commands.app",
    "data": "data.__main__",
    "tests.load": "tests.load.__main__",
}


def commands_in(text: str) -> list[str]:
    """What stands in code blocks and between backticks and starts one of our modules; continued lines joined."""
    lines = []
    for number, part in enumerate(re.split(r"^```.*$", text, flags=re.MULTILINE)):
        if number % 2:
            lines += part.replace("\\\n", " ").splitlines()
        else:
            lines += [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", part)]
    found = []
    for line in lines:
        line = re.split(r"\s#\s", line)[0]
        found += [piece.strip() for piece in re.split(r"\s&&\s|\s{2,}(?=python -m )", line)]
    return [
        command
        for command in found
        if re.search(r"(^|\s)(python|accelerate launch .*) -m ", command)
    ]


def module_and_arguments(command: str) -> tuple[str, list[str]]:
    """The module of ours that a command starts, also by way of a launcher, and what it is given."""
    words = shlex.split(command)
    places = [
        n
        for n, word in enumerate(words[:-1])
        if word == "-m" and not words[n + 1].startswith("torch.")
    ]
    assert places, f"starts nothing of ours: {command}"
    return words[places[0] + 1], words[places[0] + 2 :]


def check(module: str, arguments: list[str]) -> None:
    """Parse the arguments as the module would, and run nothing.

    Raises:
        ValueError: with what the parser says.
    """
    if importlib.util.find_spec(module) is None:
        raise ValueError(f"no module {module}")
    abbreviated = "..." in arguments
    arguments = [word for word in arguments if word != "..."]
    if module not in APPS and (abbreviated or not arguments):
        return
    app = getattr(importlib.import_module(APPS.get(module, module)), "app", None)
    if app is None:
        raise ValueError(f"{module} takes no options")
    _check_typer(typer.main.get_command(app), module, arguments, abbreviated)
    if module == "training" and arguments[:1] and "--preset" in arguments:
        preset = arguments[arguments.index("--preset") + 1]
        if arguments[0] in RECIPES and preset not in RECIPES[arguments[0]]:
            raise ValueError(f"{module} {arguments[0]} has no preset {preset}")


def _check_typer(command: Any, module: str, arguments: list[str], abbreviated: bool) -> None:
    name = module
    while hasattr(command, "commands"):
        if arguments in ([], ["--help"]):  # a command group by its name alone
            return
        if not arguments or arguments[0] not in command.commands:
            raise ValueError(f"{name} has the commands {', '.join(command.commands)}")
        name = f"{name} {arguments[0]}"
        command, arguments = command.commands[arguments[0]], _spread(module, arguments)[1:]
    if not any(word.startswith("-") for word in arguments) and (abbreviated or not arguments):
        return
    try:
        command.make_context(name, list(arguments))
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        if not (abbreviated and type(error).__name__ == "MissingParameter"):
            raise ValueError(f"{name}: {error.format_message()}") from None


def _spread(module: str, arguments: list[str]) -> list[str]:
    from mmm.cli.app import LIST_OPTIONS
    from mmm.cli.options import spread_lists

    lists = module == "mmm" and arguments[0] in ("evaluate", "leaderboard")
    return spread_lists(arguments, LIST_OPTIONS) if lists else arguments


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_of_a_page_can_be_given(page, capsys):
    wrong = []
    for command in commands_in(page.read_text()):
        module, arguments = module_and_arguments(command)
        try:
            check(module, arguments)
        except ValueError as error:
            wrong.append(f"{command}\n    {error} {capsys.readouterr().err}")
    assert not wrong, "\n".join(wrong)


def test_the_pages_name_the_commands_that_there_are():
    named = set()
    for page in PAGES:
        for command in commands_in(page.read_text()):
            module, arguments = module_and_arguments(command)
            named.add(" ".join([module, *arguments[:1]]) if module in APPS else module)
    assert {
        "mmm recover",
        "data prepare",
        "training pretrain",
        "training finetune",
        "training evaluate",
        "training music-use",
    } <= named


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_links_of_a_page_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text())
    assert [link for link in links if "://" not in link and not (page.parent / link).exists()] == []


def test_commands_are_found_in_blocks_in_prose_and_behind_launchers():
    text = (
        "Say `python -m mmm info a.bvh`, or `pip install x`.\n```\nA=1 python -m torch.distributed.run -m \\\n"
        "  training pretrain --preset ecm   # two\npython -m mmm info a    python -m mmm info b\n```\n"
    )
    assert [module_and_arguments(command) for command in commands_in(text)] == [
        ("mmm", ["info", "a.bvh"]),
        ("training", ["pretrain", "--preset", "ecm"]),
        ("mmm", ["info", "a"]),
        ("mmm", ["info", "b"]),
    ]


@pytest.mark.parametrize(
    "command",
    [
        "python -m training nothing --data a",
        "python -m training evaluate --checkpoint a --data b --clip 3",
        "python -m training evaluate --data b",
        "python -m training benchmark nothing --data b",
        "python -m training pretrain --preset nothing --data a --out b",
        "python -m training finetune --preset inbetween-blind --from c --data a --out b",
        "python -m mmm recover a.npz --hidden first",
        "python -m data prepare aist --motions a --splits b --musik c",
        "python -m tests.benchmarks.gap_quality --fast",
    ],
)
def test_a_wrong_command_is_refused(command, capsys):
    with pytest.raises(ValueError, match=r".+"):
        check(*module_and_arguments(command))
    capsys.readouterr()
