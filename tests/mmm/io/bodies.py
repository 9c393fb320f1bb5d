"""A standing body as BVH text, built line by line, to be spelled in every way that programs do."""

BONES = (
    # name, parent, offset in centimetres with Y up; None: the end site of the joint before
    ("Hips", "", (0, 0, 0)),
    ("Spine", "Hips", (0, 30, 0)),
    ("Neck", "Spine", (0, 25, 0)),
    ("Head", "Neck", (0, 8, 0)),
    ("LeftArm", "Spine", (17, 20, 0)),
    ("LeftForeArm", "LeftArm", (27, 0, 0)),
    ("LeftHand", "LeftForeArm", (25, 0, 0)),
    ("RightArm", "Spine", (-17, 20, 0)),
    ("RightForeArm", "RightArm", (-27, 0, 0)),
    ("RightHand", "RightForeArm", (-25, 0, 0)),
    ("LeftUpLeg", "Hips", (10, 0, 0)),
    ("LeftLeg", "LeftUpLeg", (0, -43, 0)),
    ("LeftFoot", "LeftLeg", (0, -43, 0)),
    ("RightUpLeg", "Hips", (-10, 0, 0)),
    ("RightLeg", "RightUpLeg", (0, -43, 0)),
    ("RightFoot", "RightLeg", (0, -43, 0)),
)
TIPS = {"Head": (0, 18, 0), "LeftFoot": (0, -5, 15), "RightFoot": (0, -5, 15)}
HEAD_CM = 63.0  # above the hips
HEIGHT_CM = 177.0  # 10 + 43 + 43 from the ankle to the hips, 81 from there to the top of the head
HIPS_CM = 91.0  # above the floor
SIX = "6 Xposition Yposition Zposition Zrotation Xrotation Yrotation"
THREE = "3 Zrotation Xrotation Yrotation"


def body(
    *,
    scale=1.0,
    z_up=False,
    root=(0.0, HIPS_CM, 0.0),
    names=None,
    extra=(),
    floor_root=False,
    positions=None,
    frames=2,
    frame_time="0.0333333",
):
    """The text of a BVH file.

    Args:
        scale: units a centimetre.
        z_up: whether the body stands along Z.
        root: where the hips are, centimetres, Y up.
        names: other names, by the ones above.
        extra: more bones, each (name, parent, offset).
        floor_root: whether a joint on the floor comes first, and hips of three channels below it.
        positions: for every joint but the first six channels: a function of its offset.
        frames: how many, all alike.
        frame_time: as written.
    """

    def axes(place):
        x, y, z = (value * scale for value in place)
        return (x, -z, y) if z_up else (x, y, z)

    bones = [*BONES, *extra]
    if floor_root:
        bones = [("Reference", "", (0, 0, 0)), ("Hips", "Reference", root), *bones[1:]]
        root = (0, 0, 0)
    lines, row = ["HIERARCHY"], []

    def write(name, depth):
        offset = axes(next(bone[2] for bone in bones if bone[0] == name))
        tab = "\t" * depth
        lines.append(f"{tab}{'JOINT' if depth else 'ROOT'} {(names or {}).get(name, name)}")
        lines.append(f"{tab}{{")
        lines.append(f"{tab}\tOFFSET {offset[0]:.6f} {offset[1]:.6f} {offset[2]:.6f}")
        six = not depth or positions is not None
        lines.append(f"{tab}\tCHANNELS {SIX if six else THREE}")
        if not depth:
            row.extend(axes(root))
        elif six:
            row.extend(positions(name, offset))
        row.extend((0, 0, 0))
        children = [bone[0] for bone in bones if bone[1] == name]
        for child in children:
            write(child, depth + 1)
        if name in TIPS or not children:
            x, y, z = axes(TIPS.get(name, (0, 0, 0)))
            lines.append(f"{tab}\tEnd Site\n{tab}\t{{\n{tab}\t\tOFFSET {x} {y} {z}\n{tab}\t}}")
        lines.append(f"{tab}}}")

    write(bones[0][0], 0)
    numbers = " ".join(f"{value:.6f}" for value in row)
    lines += ["MOTION", f"Frames: {frames}", f"Frame Time: {frame_time}", *[numbers] * frames]
    return "\n".join(lines) + "\n"
