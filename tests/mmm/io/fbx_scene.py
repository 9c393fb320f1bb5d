"""ASCII FBX of our own, and an independent evaluation by the format's transform chain.

World = parent x T x Roff x Rp x Rpre x R x Rpost^-1 x Rp^-1 x Soff x Sp x S x Sp^-1 (Autodesk's FBX
SDK documentation, "Computing transformation matrices"). SciPy does the rotations.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy.spatial.transform import Rotation

TICKS = 46_186_158_000  # of a second
ORDERS = ("xyz", "xzy", "yzx", "yxz", "zxy", "zyx")  # extrinsic: the first turns first


@dataclass
class Bone:
    name: str
    parent: int
    place: tuple[float, float, float] = (0.0, 0.0, 0.0)
    turn: tuple[float, float, float] = (0.0, 0.0, 0.0)
    pre: tuple[float, float, float] = (0.0, 0.0, 0.0)
    post: tuple[float, float, float] = (0.0, 0.0, 0.0)
    pivot: tuple[float, float, float] = (0.0, 0.0, 0.0)
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0)
    order: int = 0
    kind: str = "LimbNode"
    # For each take {"T" or "R": (frames, 3)}, one key a frame.
    keys: list[dict[str, np.ndarray]] = field(default_factory=list)


def matrix(rotation=None, place=(0, 0, 0), scale=(1, 1, 1)):
    result = np.eye(4)
    result[:3, :3] = (np.eye(3) if rotation is None else rotation) @ np.diag(scale)
    result[:3, 3] = place
    return result


def world(bones, frame, take=0, unit_m=0.01, up=1):
    """World matrices of all bones, metres and Y up."""
    # Z up goes to Y up by -90 degrees about X.
    above = matrix(Rotation.from_euler("x", -90 if up == 2 else 0, degrees=True).as_matrix())
    above[:3] *= unit_m
    result = []
    for bone in bones:
        keys = bone.keys[take] if bone.keys else {}
        place = keys["T"][frame] if "T" in keys else bone.place
        turn = keys["R"][frame] if "R" in keys else bone.turn
        order = ORDERS[bone.order]
        angles = [turn["xyz".index(axis)] for axis in order]
        turned = Rotation.from_euler(order, angles, degrees=True).as_matrix()
        pre = Rotation.from_euler("xyz", bone.pre, degrees=True).as_matrix()
        post = Rotation.from_euler("xyz", bone.post, degrees=True).as_matrix()
        pivot = np.array(bone.pivot)
        local = (
            matrix(place=place)
            @ matrix(place=pivot)
            @ matrix(pre @ turned @ post.T)
            @ matrix(place=-pivot)
            @ matrix(scale=bone.scale)
        )
        result.append((above if bone.parent < 0 else result[bone.parent]) @ local)
    return np.array(result)


def ascii_fbx(bones, takes=("Walk",), fps=30.0, unit_cm=1.0, up=1):
    """The file's text."""
    modes = {30.0: 6, 24.0: 11, 60.0: 3, 120.0: 1}
    objects, connections = [], []
    number = iter(range(1_000, 1_000_000))
    ids = [next(number) for _ in bones]
    for bone, node in zip(bones, ids, strict=True):
        vector = lambda name, kind, v: (  # noqa: E731
            f'P: "{name}", "{kind}", "", "A",{",".join(repr(float(x)) for x in v)}'
        )
        lines = [
            vector("Lcl Translation", "Lcl Translation", bone.place),
            vector("Lcl Rotation", "Lcl Rotation", bone.turn),
            vector("Lcl Scaling", "Lcl Scaling", bone.scale),
            vector("PreRotation", "Vector3D", bone.pre),
            vector("PostRotation", "Vector3D", bone.post),
            vector("RotationPivot", "Vector3D", bone.pivot),
            'P: "RotationActive", "bool", "", "",1',
            f'P: "RotationOrder", "enum", "", "",{bone.order}',
            # 0 is RrSs: children are scaled by their parents.
            'P: "InheritType", "enum", "", "",1',
        ]
        objects.append(
            f'Model: {node}, "Model::{bone.name}", "{bone.kind}" {{\n Version: 232\n'
            f" Properties70:  {{\n  " + "\n  ".join(lines) + "\n }\n}"
        )
        above = 0 if bone.parent < 0 else ids[bone.parent]
        connections.append(f'C: "OO",{node},{above}')
        if bone.kind == "LimbNode":
            limb = next(number)
            objects.append(
                f'NodeAttribute: {limb}, "NodeAttribute::", "LimbNode" {{\n TypeFlags: "Skeleton"\n}}'
            )
            connections.append(f'C: "OO",{limb},{node}')
    for index, take in enumerate(takes):
        stack, layer = next(number), next(number)
        lengths = [len(v) for bone in bones if bone.keys for v in bone.keys[index].values()]
        stop = round((max(lengths) - 1) / fps * TICKS) if lengths else 0
        objects.append(
            f'AnimationStack: {stack}, "AnimStack::{take}", "" {{\n Properties70:  {{\n'
            f'  P: "LocalStart", "KTime", "Time", "",0\n  P: "LocalStop", "KTime", "Time", "",{stop}\n }}\n}}'
        )
        objects.append(f'AnimationLayer: {layer}, "AnimLayer::Base", "" {{\n}}')
        connections.append(f'C: "OO",{layer},{stack}')
        for bone, node in zip(bones, ids, strict=True):
            for kind, values in (bone.keys[index] if bone.keys else {}).items():
                curves = next(number)
                name = {"T": "Lcl Translation", "R": "Lcl Rotation"}[kind]
                objects.append(f'AnimationCurveNode: {curves}, "AnimCurveNode::{kind}", "" {{\n}}')
                connections += [
                    f'C: "OO",{curves},{layer}',
                    f'C: "OP",{curves},{node}, "{name}"',
                ]
                for axis, column in zip("XYZ", np.asarray(values).T, strict=True):
                    curve, count = next(number), len(column)
                    times = ",".join(str(round(k / fps * TICKS)) for k in range(count))
                    objects.append(
                        f'AnimationCurve: {curve}, "AnimCurve::", "" {{\n Default: 0\n KeyVer: 4008\n'
                        f" KeyTime: *{count} {{\n  a: {times}\n }}\n"
                        f" KeyValueFloat: *{count} {{\n  a: {','.join(f'{x:.9g}' for x in column)}\n }}\n"
                        " KeyAttrFlags: *1 {\n  a: 4\n }\n"  # linear
                        " KeyAttrDataFloat: *4 {\n  a: 0,0,0,0\n }\n"
                        f" KeyAttrRefCount: *1 {{\n  a: {count}\n }}\n}}"
                    )
                    connections.append(f'C: "OP",{curve},{curves}, "d|{axis}"')
    front, sign = (2, 1) if up == 1 else (1, -1)
    settings = [
        f'P: "UpAxis", "int", "Integer", "",{up}',
        'P: "UpAxisSign", "int", "Integer", "",1',
        f'P: "FrontAxis", "int", "Integer", "",{front}',
        f'P: "FrontAxisSign", "int", "Integer", "",{sign}',
        'P: "CoordAxis", "int", "Integer", "",0',
        'P: "CoordAxisSign", "int", "Integer", "",1',
        f'P: "UnitScaleFactor", "double", "Number", "",{unit_cm}',
        f'P: "TimeMode", "enum", "", "",{modes[fps]}',
    ]
    return (
        "; FBX 7.4.0 project file\nFBXHeaderExtension:  {\n FBXHeaderVersion: 1003\n"
        " FBXVersion: 7400\n}\nGlobalSettings:  {\n Version: 1000\n Properties70:  {\n  "
        + "\n  ".join(settings)
        + "\n }\n}\nObjects:  {\n"
        + "\n".join(objects)
        + "\n}\nConnections:  {\n"
        + "\n".join(connections)
        + "\n}\n"
    )


def walker(takes=1, frames=7, seed=0):
    """A small body whose bones use all of the chain, with a control beside it."""
    rng = np.random.default_rng(seed)
    angle = lambda size=40: tuple(rng.uniform(-size, size, 3))  # noqa: E731

    def turns():
        return {"R": rng.uniform(-70, 70, (frames, 3))}

    bones = [
        Bone("Reference", -1, kind="Null", turn=(0.0, 30.0, 0.0)),
        Bone("Hips", 0, (0, 95, 0), pre=angle(), keys=[]),
        Bone("Spine", 1, (0, 20, 2), pre=angle(), post=angle(20)),
        Bone("Head", 2, (0, 45, 0), order=5, pre=angle()),
        Bone("LeftUpLeg", 1, (9, -5, 0), order=2, pre=angle()),
        Bone("LeftFoot", 4, (0, -80, 0), post=angle()),
        Bone("RightUpLeg", 1, (-9, -5, 0), pivot=(1, 2, 3)),
        Bone("RightFoot", 6, (0, -80, 0), order=1),
        Bone("HandControl", -1, (50, 120, 0)),
    ]
    for bone in bones[1:8]:
        bone.keys = [turns() for _ in range(takes)]
    for take in bones[1].keys:
        take["T"] = np.array([[0, 95, 0]]) + rng.normal(0, 10, (frames, 3))
    return bones
