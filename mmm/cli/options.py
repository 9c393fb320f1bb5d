"""Options that commands share, and the reading of a clip with them.

A group of options is a frozen dataclass. A command takes it as one parameter, and ``with_groups``
shows its fields to typer as options of that command.
"""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from mmm.errors import FileError
from mmm.io import load_clip
from mmm.io.body import UNIT_NAMES
from mmm.io.files import motion_files
from mmm.motion.clip import Clip
from mmm.motion.facing import FACINGS
from mmm.motion.roles import ROLES
from mmm.music.features import at_frame_rate
from mmm.spec import HELP as SPEC_HELP
from mmm.spec import parse_frames

ClipPath = Annotated[
    Path,
    typer.Argument(
        metavar="CLIP", help="a motion file: .bvh, .amc, .npz, .pkl, .npy, .fbx, .glb or .gltf"
    ),
]
CheckpointPath = Annotated[
    str,
    typer.Option(
        metavar="C",
        help="folder of a checkpoint, or the name of one in checkpoints/ or $MMM_CHECKPOINTS",
    ),
]
Hide = Annotated[str, typer.Option(metavar="SPEC", help=f"what to hide: {SPEC_HELP}; joined by +")]
Fps = Annotated[
    float | None, typer.Option(min=1, max=1000, help="resample to this many frames a second")
]
Roles = Annotated[
    list[str] | None,
    typer.Option(
        "--role",
        metavar="ROLE=JOINT",
        show_default=False,
        help="the joint of a role that its name does not tell, e.g. left_hip=LThigh; may be "
        f"repeated. Roles are {', '.join(ROLES)}",
    ),
]
Seed = Annotated[int, typer.Option(min=0, help="random seed of random patterns")]
Ray = Annotated[
    str | None,
    typer.Option(
        "--ray",
        metavar="ADDRESS",
        show_default=False,
        help="run on Ray: local starts one on this machine, auto finds the one that runs here, "
        "HOST:PORT is another; needs pip install '.[serve]'",
    ),
]
PrefixFrames = Annotated[
    int,
    # "Seed" is the page's word for the first frames; --seed alone is the random seed.
    typer.Option("--seed-frames", metavar="N", help="how many frames of the clip to continue from"),
]
Temperature = Annotated[
    float,
    typer.Option(
        "--temperature",
        "--variety",  # its former name, which scripts still use
        metavar="T",
        help="sampling temperature: 0 is the mean prediction, 1 matches training; up to 3",
    ),
]

Unit = Annotated[
    str | None,
    typer.Option(
        metavar="U",
        help="unit of length of a .bvh, .amc or .fbx, if the guess is wrong: "
        f"{', '.join(UNIT_NAMES)}, or metres per unit",
    ),
]
TrueFps = Annotated[
    float | None,
    typer.Option(
        "--true-fps",
        metavar="FPS",
        help="the file's true frame rate, if it gives none or a wrong one; --fps resamples",
    ),
]


@dataclass(frozen=True, kw_only=True)
class FileOptions:
    """How to read a motion file that does not state its unit, axes, rate, body or take."""

    unit: Unit = None
    up: Annotated[
        str | None,
        typer.Option(
            metavar="AXIS",
            help="the axis that points up in the file, if the guess is wrong: y or z",
        ),
    ] = None
    facing: Annotated[
        str | None,
        typer.Option(
            metavar="AXIS",
            help="turn the movement about the vertical, so that the body faces this axis at the "
            f"file's first frame: {', '.join(FACINGS)}",
        ),
    ] = None

    true_fps: TrueFps = None
    asf: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="the skeleton of an .amc, where it is not the obvious one beside it",
        ),
    ] = None
    body: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="which of several bodies of a .bvh, .fbx or .glb, by its root's name or its "
            "number from 1",
        ),
    ] = None
    take: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="which of several takes of an .fbx or .glb, or motions of an .npy, by its name or "
            "its number from 1; default: the first that moves",
        ),
    ] = None

    def load(self, path: Path, *, music: Path | None = None, music_start_s: float = 0.0) -> Clip:
        """Read the whole clip at its own frame rate."""
        return load_clip(
            path,
            music=music,
            asf=self.asf,
            true_fps=self.true_fps,
            unit=self.unit,
            body=self.body,
            take=self.take,
            # The reader knows "y" and "z" only; shells and users write "Y" too.
            up=None if self.up is None else self.up.lower(),
            facing=self.facing,
            music_start_s=music_start_s,
        )


@dataclass(frozen=True, kw_only=True)
class RangeOptions(FileOptions):
    """Which frames of a file are used, and at which rate."""

    frames: Annotated[
        str,
        typer.Option(
            metavar="A:B",
            show_default=False,
            help="frames A to B (not included) of the file, counted at its own rate; A or B may be "
            "left out",
        ),
    ] = ":"
    fps: Fps = None

    def load(self, path: Path, *, music: Path | None = None, music_start_s: float = 0.0) -> Clip:
        """Read the clip, crop it at the file's own rate, then resample it."""
        clip = super().load(path, music=music, music_start_s=music_start_s)
        start, stop = self._range(len(clip))
        # crop() would copy the music's features and sound for nothing.
        if (start, stop) != (0, len(clip)):
            clip = clip.crop(start, stop)
        return clip if self.fps is None else at_frame_rate(clip, self.fps)

    def _range(self, length: int) -> tuple[int, int]:
        return parse_frames(self.frames, length, f"--frames {self.frames}")


@dataclass(frozen=True, kw_only=True)
class ClipOptions(RangeOptions):
    """All options for reading one clip: music, range, frame rate, unit and axes."""

    music: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="recording that starts with the file's first frame; default: the one beside the "
            "motion, if there is one",
        ),
    ] = None
    music_start: Annotated[
        float,
        typer.Option(
            "--music-start",
            min=0,
            metavar="S",
            show_default=False,
            help="the moment of the recording, in seconds, that falls on the file's first frame",
        ),
    ] = 0.0

    def read(self, path: Path) -> Clip:
        """Read the clip with its music."""
        return self.load(path, music=self.music, music_start_s=self.music_start)


def files_of(paths: Sequence[Path]) -> list[Path]:
    """Motion files; a folder stands for all in it.

    Raises:
        FileError: a folder holds none.
    """
    files: list[Path] = []
    for path in paths:
        inside = motion_files(path) if path.is_dir() else [path]
        if not inside:
            raise FileError(str(path), "no motion file in this folder", cure="name another one")
        files += inside
    return files


def with_groups(command: Callable[..., None]) -> Callable[..., None]:
    """Show the fields of a command's dataclass parameters to typer as options of the command."""
    # Annotations may be strings, and include_extras keeps the typer.Option inside Annotated.
    hints = get_type_hints(command, include_extras=True)
    parameters: list[inspect.Parameter] = []
    groups: dict[str, tuple[type, list[str]]] = {}
    for parameter in inspect.signature(command).parameters.values():
        annotation = hints[parameter.name]
        # Only dataclasses are groups; every other parameter is an option by itself.
        if not (isinstance(annotation, type) and is_dataclass(annotation)):
            parameters.append(parameter.replace(annotation=annotation))
            continue
        field_hints = get_type_hints(annotation, include_extras=True)
        groups[parameter.name] = annotation, [field.name for field in fields(annotation)]
        # Fields without a default are required options, which the help lists first.
        parameters += [
            inspect.Parameter(
                field.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=inspect.Parameter.empty if field.default is MISSING else field.default,
                annotation=field_hints[field.name],
            )
            for field in sorted(fields(annotation), key=lambda f: f.default is not MISSING)
        ]

    @wraps(command)
    def run(**values: Any) -> None:
        for name, (group, members) in groups.items():
            # The command gets its group back, made of the values that typer parsed.
            values[name] = group(**{member: values.pop(member) for member in members})
        command(**values)

    # typer reads the signature and the annotations, so both must be those with single options.
    keyword_only = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters]
    run.__signature__ = inspect.Signature(keyword_only)  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in parameters}
    # The Raises section is for callers of the function, not for users of the command.
    run.__doc__ = (inspect.getdoc(command) or "").partition("\nRaises:")[0].rstrip()
    # inspect.signature() would follow it to the command's own signature.
    del run.__wrapped__
    return run


def spread_lists(arguments: Sequence[str], options: Sequence[str]) -> list[str]:
    """Repeat an option before each of its values: ``--clips A B`` becomes ``--clips A --clips B``.

    So a shell pattern such as ``--clips *.bvh`` works.

    Args:
        arguments: the words of a command line.
        options: the options that take a list.
    """
    # click's options take a fixed number of values.
    spread: list[str] = []
    option, is_first_value = "", True
    for word in arguments:
        if word.startswith("-"):
            option, is_first_value = (word if word in options else ""), True
        elif option and not is_first_value:
            spread.append(option)
        else:
            is_first_value = False
        spread.append(word)
    return spread
