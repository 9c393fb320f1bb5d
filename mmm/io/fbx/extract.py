"""A program that evaluates an FBX scene with ufbx and writes world matrices.

It is run by :mod:`mmm.io.fbx.reader` and not imported, and imports nothing of this package. The
binding (0.0.5) crashes the interpreter when its objects are released, and a damaged file may crash
any parser. Here neither hurts the caller.

The first line of the answer describes the scene. One line of JSON then comes in: ``start_s``,
``frames``, ``fps``, ``take`` and ``nodes``. The matrices go to the file named second on the command
line, as a ``.npy`` of float64 (frames + 2, nodes, 3, 4): the scene without animation, the pose in
which the skin was bound (NaN without one), then every frame.
"""

import gc
import json
import os
import sys
from typing import Any

# ufbx's numbers of element types: bones, and the markers of control rigs (MotionBuilder, HIK).
_BONE, _MARKER, _CAMERA, _LIGHT = 5, 15, 4, 3
CPU_S = 100
"""Seconds of computing after which the system ends the process."""
# Objects of the binding are freed without being taken off the collector's list, which breaks it.
# As long as they live nothing happens, so all of them live as long as the process.
_KEPT: list[Any] = []


def main() -> None:
    """Describe the scene, wait for the request, write the matrices."""
    # See _KEPT: a collection walks over the objects of the binding.
    gc.disable()
    _limit()
    # What a library prints must not come among the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    try:
        run(sys.argv[1], sys.argv[2], answers)
    except Exception as error:
        answers.write(json.dumps({"error": f"{type(error).__name__}: {error}"[:300]}) + "\n")
    answers.flush()
    # Past the interpreter's own end, which would collect the objects of the binding.
    os._exit(0)


def run(source: str, target: str, answers: Any) -> None:
    """The two answers: the description and, after the request, the matrices."""
    import numpy as np
    import ufbx

    scene = ufbx.load_file(
        source,
        target_axes=ufbx.axes_right_handed_y_up,
        target_unit_meters=1.0,
        ignore_embedded=True,
        load_external_files=False,
    )
    nodes = items(scene.nodes)
    stacks, clusters = items(scene.anim_stacks), items(scene.skin_clusters)
    bones = [kept(cluster.bone_node) for cluster in clusters]
    skinned = [-1 if bone is None else int(bone.typed_id) for bone in bones]
    answers.write(json.dumps(describe(scene, nodes, stacks, skinned)) + "\n")
    answers.flush()
    request = json.loads(sys.stdin.readline())
    chosen: list[int] = request["nodes"]
    matrices = np.full((request["frames"] + 2, len(chosen), 3, 4), np.nan)
    for j, node in enumerate(chosen):
        matrices[0, j] = rows(nodes[node].node_to_world)
    place = {node: j for j, node in enumerate(chosen)}
    for cluster, node in zip(clusters, skinned, strict=True):
        # Several meshes may be bound to one bone, usually in the same pose.
        if node in place and np.isnan(matrices[1, place[node]]).any():
            matrices[1, place[node]] = rows(cluster.bind_to_world)
    if request["take"] < 0:
        matrices[2:] = matrices[0]
    else:
        evaluate(scene, kept(stacks[request["take"]].anim), request, matrices[2:])
    np.save(target, matrices)
    answers.write("{}\n")


def evaluate(scene: Any, anim: Any, request: dict[str, Any], matrices: Any) -> None:
    """Fill in the world matrices of every frame."""
    import ufbx

    for frame in range(request["frames"]):
        time_s = request["start_s"] + frame / request["fps"]
        moment = kept(ufbx.evaluate_scene(scene, anim, time_s, load_external_files=False))
        nodes = kept(moment.nodes)
        for j, node in enumerate(request["nodes"]):
            matrices[frame, j] = rows(kept(nodes[node]).node_to_world)
        # The copy of the scene; its small Python objects stay.
        moment.free()


def describe(scene: Any, nodes: list[Any], stacks: list[Any], skinned: list[int]) -> dict[str, Any]:
    """Names, tree, joints and takes of a scene."""
    kinds = [int(node.attrib_type) for node in nodes]
    above = [kept(node.parent) for node in nodes]
    parents = [-1 if parent is None else int(parent.typed_id) for parent in above]
    settings, bound = kept(scene.settings), set(skinned)
    return {
        "names": [node.name for node in nodes],
        "parents": parents,
        "joints": [i for i, kind in enumerate(kinds) if kind == _BONE or i in bound],
        # The scene's own root, controls and cameras are no joints of a body.
        "others": [
            i
            for i, kind in enumerate(kinds)
            if parents[i] < 0 or kind in (_MARKER, _CAMERA, _LIGHT)
        ],
        "takes": [
            [
                stack.name,
                stack.time_begin,
                stack.time_end,
                any(len(kept(layer.anim_props)) for layer in items(stack.layers)),
            ]
            for stack in stacks
        ],
        "fps": settings.frames_per_second,
        "unit_m": settings.original_unit_meters,
    }


def kept(thing: Any) -> Any:
    """An object of the binding, which is then never released."""
    _KEPT.append(thing)
    return thing


def items(things: Any) -> list[Any]:
    """The items of a list of the binding, by index: its iterators crash."""
    kept(things)
    return [kept(things[i]) for i in range(len(things))]


def rows(matrix: Any) -> list[list[float]]:
    """The rows of a matrix that the binding gives by columns."""
    return [list(row) for row in zip(*matrix, strict=True)]


def _limit() -> None:
    """Bound the time, and end with the process that started this one, where the system can."""
    try:
        import ctypes
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    # A core dump would leave a visitor's file on the disk.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        parent_death_signal, kill = 1, 9  # prctl(2): PR_SET_PDEATHSIG, SIGKILL
        ctypes.CDLL(None).prctl(parent_death_signal, kill)


if __name__ == "__main__":
    main()
