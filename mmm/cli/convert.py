"""``mmm convert``: one motion file to another format, or to a film or a page."""

from pathlib import Path
from typing import Annotated

import typer

from mmm.cli.options import ClipOptions, Roles
from mmm.cli.output import OUTPUT_SUFFIXES, check_output, print_notes
from mmm.errors import SpecError
from mmm.io import load_clip
from mmm.motion.roles import parse_roles


def convert(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="IN", help="a motion file: .pkl, .bvh, .amc, .npz, .npy, .fbx, .glb or .gltf"
        ),
    ],
    target: Annotated[
        Path,
        typer.Argument(
            metavar="OUT",
            help="what to write: .bvh, .npz, .pkl or .glb; to be watched: .mp4, .gif, .webp or "
            ".html",
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
) -> None:
    """Convert a motion file; the suffixes say from what to what.

    Only .npz, .mp4 and .html keep the music.
    """
    check_output(target, OUTPUT_SUFFIXES)
    if onto is None and (role or onto_role):
        raise SpecError(
            "--role" if role else "--onto-role",
            "given without --onto",
            "roles for retargeting to the character of --onto",
            "name a character with --onto, or leave it out",
        )
    clip = options.read(source)
    if onto is not None:
        # Imported here: few conversions retarget, and it needs SciPy.
        from mmm.motion.retargeting.retarget import retarget

        clip = retarget(
            clip,
            load_clip(onto),
            joint_names=parse_roles(role or ()),
            onto_joint_names=parse_roles(onto_role or ()),
        )
    # Imported here: most conversions write motion, and films need Pillow and an encoder.
    from mmm.viewer.save import save

    save(clip, target)
    # The notes say what the reader had to do to the file, which a converter's user must know.
    print_notes(*clip.notes)
    joints = len(clip.motion.skeleton)
    typer.echo(f"wrote {target}: {len(clip)} frames at {clip.motion.fps:g} fps, {joints} joints")
