"""A program that evaluates an FBX scene with ufbx and writes world matrices.

:mod:`mmm.io.fbx.reader` runs it in a separate process, and it imports nothing of this package. The
Python binding (0.0.5) crashes the interpreter when its objects are released, and a damaged file may
crash any parser. In a process of its own, neither affects the caller.

Protocol: the program writes one line of JSON that describes the scene. It then reads one line of
JSON with ``start_s``, ``frames``, ``fps``, ``take`` and ``nodes``. It writes the matrices to the
file named by the second argument, as a ``.npy`` of float64 (frames + 2, nodes, 3, 4): the scene
without animation, the bind pose of the skin (NaN without one), then every frame.
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
# The binding frees its objects without removing them from the garbage collector's list, which
# corrupts the list. So references to all of them are kept until the process ends.
_KEPT_ALIVE: list[Any] = []


def main() -> None:
    """Describe the scene, wait for the request, write the matrices."""
    # See _KEPT_ALIVE: a collection visits the objects of the binding.
    gc.disable()
    _limit()
    # Output that a library prints must not mix with the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    try:
        run(sys.argv[1], sys.argv[2], answers)
    except Exception as error:
        answers.write(json.dumps({"error": f"{type(error).__name__}: {error}"[:300]}) + "\n")
    answers.flush()
    # This skips the interpreter's shutdown, which would release the objects of the binding.
    os._exit(0)


def run(source: str, target: str, answers: Any) -> None:
    """Write both answers: the description and, after the request, the matrices."""
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
    bones = [keep_alive(cluster.bone_node) for cluster in clusters]
    skinned = [-1 if bone is None else int(bone.typed_id) for bone in bones]
    answers.write(json.dumps(describe(scene, nodes, stacks, skinned)) + "\n")
    answers.flush()
    request = json.loads(sys.stdin.readline())
    chosen: list[int] = request["nodes"]
    matrices = np.full((request["frames"] + 2, len(chosen), 3, 4), np.nan)
    for j, node in enumerate(chosen):
        matrices[0, j] = rows(nodes[node].node_to_world)
    index = {node: j for j, node in enumerate(chosen)}
    for cluster, node in zip(clusters, skinned, strict=True):
        # Several meshes may be bound to one bone, usually in the same pose.
        if node in index and np.isnan(matrices[1, index[node]]).any():
            matrices[1, index[node]] = rows(cluster.bind_to_world)
    if request["take"] < 0:
        matrices[2:] = matrices[0]
    else:
        evaluate(scene, keep_alive(stacks[request["take"]].anim), request, matrices[2:])
    np.save(target, matrices)
    answers.write("{}\n")


def evaluate(scene: Any, anim: Any, request: dict[str, Any], matrices: Any) -> None:
    """Fill in the world matrices of every frame."""
    import ufbx

    for frame in range(request["frames"]):
        time_s = request["start_s"] + frame / request["fps"]
        evaluated = keep_alive(ufbx.evaluate_scene(scene, anim, time_s, load_external_files=False))
        nodes = keep_alive(evaluated.nodes)
        for j, node in enumerate(request["nodes"]):
            matrices[frame, j] = rows(keep_alive(nodes[node]).node_to_world)
        # This frees the library's copy of the scene; the small Python objects stay.
        evaluated.free()


def describe(scene: Any, nodes: list[Any], stacks: list[Any], skinned: list[int]) -> dict[str, Any]:
    """Names, tree, joints and takes of a scene."""
    kinds = [int(node.attrib_type) for node in nodes]
    parent_nodes = [keep_alive(node.parent) for node in nodes]
    parents = [-1 if parent is None else int(parent.typed_id) for parent in parent_nodes]
    settings, bound = keep_alive(scene.settings), set(skinned)
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
                any(len(keep_alive(layer.anim_props)) for layer in items(stack.layers)),
            ]
            for stack in stacks
        ],
        "fps": settings.frames_per_second,
        "unit_m": settings.original_unit_meters,
    }


def keep_alive(thing: Any) -> Any:
    """Return an object of the binding, which is then never released."""
    _KEPT_ALIVE.append(thing)
    return thing


def items(things: Any) -> list[Any]:
    """The items of a list of the binding, read by index, because its iterators crash."""
    keep_alive(things)
    return [keep_alive(things[i]) for i in range(len(things))]


def rows(matrix: Any) -> list[list[float]]:
    """The rows of a matrix, which the binding stores by columns."""
    return [list(row) for row in zip(*matrix, strict=True)]


def _limit() -> None:
    """Limit the computing time, and end when the parent process does, if the system supports it."""
    try:
        import ctypes
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    # A core dump would leave the contents of a user's file on the disk.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        parent_death_signal, kill = 1, 9  # prctl(2): PR_SET_PDEATHSIG, SIGKILL
        ctypes.CDLL(None).prctl(parent_death_signal, kill)


if __name__ == "__main__":
    main()
