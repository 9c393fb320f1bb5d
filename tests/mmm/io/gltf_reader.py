"""A reader of glTF binary files for the tests: the format's own rules, SciPy's rotations, nothing of ours."""

import json
import struct

import numpy as np
from scipy.spatial.transform import Rotation, Slerp

COMPONENTS = {5121: ("u1", 1), 5123: ("<u2", 2), 5125: ("<u4", 4), 5126: ("<f4", 4)}
COUNTS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}


class Glb:
    """A file, taken apart and checked as it is read."""

    def __init__(self, data: bytes) -> None:
        magic, version, length = struct.unpack_from("<4sII", data)
        assert (magic, version, length) == (b"glTF", 2, len(data))
        size, kind = struct.unpack_from("<I4s", data, 12)
        assert kind == b"JSON"
        assert size % 4 == 0
        self.json = json.loads(data[20 : 20 + size])
        blob_size, kind = struct.unpack_from("<I4s", data, 20 + size)
        assert kind == b"BIN\0"
        assert blob_size % 4 == 0
        self.blob = data[28 + size : 28 + size + blob_size]
        assert 28 + size + blob_size == len(data)
        assert 0 <= blob_size - self.json["buffers"][0]["byteLength"] <= 3
        for number in range(len(self.json["accessors"])):
            self.read(number)

    def read(self, number: int) -> np.ndarray:
        accessor = self.json["accessors"][number]
        view = self.json["bufferViews"][accessor["bufferView"]]
        code, width = COMPONENTS[accessor["componentType"]]
        start = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
        assert start % 4 == 0
        count = accessor["count"] * COUNTS[accessor["type"]]
        assert count * width + accessor.get("byteOffset", 0) <= view["byteLength"]
        assert view.get("byteOffset", 0) + view["byteLength"] <= len(self.blob)
        values = np.frombuffer(self.blob, code, count, start).reshape(accessor["count"], -1)
        for bound, take in (("min", np.min), ("max", np.max)):
            if bound in accessor:
                np.testing.assert_array_equal(np.float32(accessor[bound]), take(values, axis=0))
        return values

    def world(self, at_s: float, animation: int = 0) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Each node's world matrix (4, 4) by name at a moment, and the skinned vertices (V, 3)."""
        nodes = [dict(node) for node in self.json["nodes"]]
        told = self.json["animations"][animation]
        for channel in told["channels"]:
            sampler = told["samplers"][channel["sampler"]]
            times, values = self.read(sampler["input"])[:, 0], self.read(sampler["output"])
            assert sampler["interpolation"] == "LINEAR"
            assert (np.diff(times) > 0).all()
            moment = np.clip(at_s, times[0], times[-1])
            what = channel["target"]["path"]
            if what == "rotation":
                assert (np.abs(np.linalg.norm(values, axis=1) - 1) < 1e-5).all()
                now = (
                    Slerp(times, Rotation.from_quat(values))([moment])[0].as_quat()
                    if len(times) > 1
                    else values[0]
                )
            else:
                now = np.array([np.interp(moment, times, values[:, k]) for k in range(3)])
            nodes[channel["target"]["node"]][what] = now
        found: dict[int, np.ndarray] = {}

        def visit(index: int, above: np.ndarray) -> None:
            node = nodes[index]
            local = np.eye(4)
            local[:3, :3] = Rotation.from_quat(node.get("rotation", [0, 0, 0, 1])).as_matrix()
            local[:3, 3] = node.get("translation", [0, 0, 0])
            assert index not in found
            found[index] = above @ local
            for child in node.get("children", ()):
                visit(child, found[index])

        for index in self.json["scenes"][self.json["scene"]]["nodes"]:
            visit(index, np.eye(4))
        assert len(found) == len(nodes)
        return {nodes[i]["name"]: matrix for i, matrix in found.items()}, self.skinned(found)

    def skinned(self, world: dict[int, np.ndarray]) -> np.ndarray:
        node = next(node for node in self.json["nodes"] if "mesh" in node)
        skin = self.json["skins"][node["skin"]]
        inverse = self.read(skin["inverseBindMatrices"]).reshape(-1, 4, 4).swapaxes(1, 2)
        bones = np.stack(
            [world[joint] @ bind for joint, bind in zip(skin["joints"], inverse, strict=True)]
        )
        attributes = self.json["meshes"][node["mesh"]]["primitives"][0]["attributes"]
        points = self.read(attributes["POSITION"]).astype(float)
        joints, weights = self.read(attributes["JOINTS_0"]), self.read(attributes["WEIGHTS_0"])
        assert joints.max() < len(bones)
        np.testing.assert_allclose(weights.sum(axis=1), 1)
        moved = np.einsum(
            "vkij,vj->vki",
            bones[joints],
            np.concatenate([points, np.ones((len(points), 1))], axis=1),
        )
        return np.einsum("vk,vki->vi", weights, moved)[:, :3]
