"""``mmm convert``: motion files to another format, or to films or pages."""

from pathlib import Path
from typing import Annotated

import typer

from mmm.cli.conversion import Conversion, Task, convert_folder
from mmm.cli.options import ClipOptions, Ray, Roles
from mmm.cli.output import OUTPUT_SUFFIXES, check_output, print_failures, print_notes
from mmm.errors import SpecError
from mmm.motion.roles import parse_roles


def convert(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="IN",
            help="a motion file: .pkl, .bvh, .amc, .npz, .npy, .fbx, .glb or .gltf; or a folder",
        ),
    ],
    target: Annotated[
        Path,
        typer.Argument(
            metavar="OUT",
            help="what to write: .bvh, .npz, .pkl or .glb; to be watched: .mp4, .gif, .webp or "
            ".html; of a folder, the folder to write into",
        ),
    ],
    options: ClipOptions,
    onto: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="a motion file of another character: retarget to its skeleton. Its rest pose, or "
            "a pose of its motion, must stand upright",
        ),
    ] = None,
    role: Roles = None,
    onto_role: Annotated[
        list[str] | None,
        typer.Option(
            "--onto-role",
            metavar="ROLE=JOINT",
            show_default=False,
            help="the same as --role, for the character of --onto",
        ),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="SUFFIX", show_default=False, help="of a folder: what to write, such as .bvh"
        ),
    ] = None,
    ray: Ray = None,
) -> None:
    """Convert a motion file; the suffixes say from what to what. Or all files of a folder.

    Only .npz, .mp4 and .html keep the music.

    Of a folder, files are written under the same names into OUT. A second run converts only what
    is new or has changed, or was converted with other options. A file that cannot be converted is
    left out and named at the end. With --ray, each file is a task; the files are the same.
    """
    if onto is None and (role or onto_role):
        raise SpecError(
            "--role" if role else "--onto-role",
            "given without --onto",
            "roles for retargeting to the character of --onto",
            "name a character with --onto, or leave it out",
        )
    job = Conversion(options, onto, parse_roles(role or ()), parse_roles(onto_role or ()))
    if source.is_dir():
        _of_folder(job, source, target, to, ray)
        return
    if to is not None or ray is not None:
        option = "--ray" if to is None else "--to"
        raise SpecError(option, f"{source} is one file", "a folder", "leave it out")
    check_output(target, OUTPUT_SUFFIXES)
    written = job.write(Task(source, target))
    # The notes say what the reader had to do to the file, which a converter's user must know.
    print_notes(*written.notes)
    rate = f"{written.frames} frames at {written.fps:g} fps, {written.joints} joints"
    typer.echo(f"wrote {target}: {rate}")


def _of_folder(
    job: Conversion, source: Path, target: Path, to: str | None, ray: str | None
) -> None:
    suffixes = " or ".join(OUTPUT_SUFFIXES)
    suffix = "" if to is None else to.lower() if to.startswith(".") else f".{to.lower()}"
    if suffix not in (*OUTPUT_SUFFIXES, ".smpl.npz"):
        raise SpecError("--to", to or f"{source} is a folder", suffixes, "name one of them")
    outcome = convert_folder(job, source, target, suffix, ray)
    # Many files share a note.
    print_notes(*dict.fromkeys(note for file in outcome.written for note in file.notes))
    frames = sum(file.frames for file in outcome.written)
    typer.echo(
        f"wrote {len(outcome.written)} files into {target}, {frames} frames "
        f"({outcome.earlier} of them by an earlier run)"
    )
    print_failures(outcome.failures)
