"""A BVH reader for the tests by Blender's rules: intrinsic angles in the order of the channels, a position channel in
place of the OFFSET; SciPy's rotations, nothing of ours."""

from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation


def scipy_positions(path: Path, frames: list[int]) -> dict[str, np.ndarray]:
    """World positions (frames, 3) of every joint by name, in the file's own unit and axes."""
    header, _, body = path.read_text().partition("MOTION")
    rows = [line.split() for line in body.splitlines() if line.strip()][2:]
    values = np.array([rows[frame] for frame in frames], dtype=float)
    turns, places, at, names = [], [], 0, []
    for name, parent, offset, channels in _joints(header):
        own = values[:, at : at + len(channels)]
        at += len(channels)
        place = np.repeat(offset[None], len(frames), axis=0)
        spins = [k for k, channel in enumerate(channels) if channel.lower().endswith("rotation")]
        for k in set(range(len(channels))) - set(spins):
            place[:, "XYZ".index(channels[k][0].upper())] = own[:, k]
        order = "".join(channels[k][0].upper() for k in spins)
        turn = (
            Rotation.from_euler(order, own[:, spins], degrees=True)
            if order
            else Rotation.identity(len(frames))
        )
        turns.append(turn if parent < 0 else turns[parent] * turn)
        places.append(place if parent < 0 else places[parent] + turns[parent].apply(place))
        names.append(name)
    assert at == values.shape[1]
    return dict(zip(names, places, strict=True))


def _joints(header: str) -> list[tuple[str, int, np.ndarray, list[str]]]:
    """Name, parent, OFFSET and channels of every joint; tips are passed over."""
    found: list[tuple[str, int, np.ndarray, list[str]]] = []
    stack: list[int] = []
    for words in (line.split() for line in header.splitlines() if line.split()):
        match words[0]:
            case "ROOT" | "JOINT":
                found.append((" ".join(words[1:]), stack[-1] if stack else -1, np.zeros(3), []))
            case "{":
                stack.append(len(found) - 1)
            case "}":
                stack.pop()
            case "OFFSET" if (
                len(stack) < 2 or stack[-1] != stack[-2]
            ):  # within a tip the joint is there twice
                found[-1][2][:] = np.array(words[1:4], dtype=float)
            case "CHANNELS":
                found[-1][3].extend(words[2:])
    return found
