"""The bodies in a scene of nodes: which nodes are the joints of one body."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from mmm.errors import FileError
from mmm.io.choosing import Several, choose

# A tree of so few joints is a control or a prop, and not worth a note beside a body.
_FEWEST_JOINTS = 5


@dataclass(frozen=True)
class NodeTree:
    """The nodes of a scene, without what moves them."""

    names: tuple[str, ...]
    parents: tuple[int, ...]
    """-1 for nodes at the top; in any order."""
    joints: frozenset[int]
    """Nodes that the format marks as joints. All nodes count where it marks none."""
    order: tuple[int, ...] = ()
    """Joints in the order that the file gives them; by the tree where it gives none."""


@dataclass(frozen=True)
class Body:
    """The nodes of one body, in the order of its joints; nodes between joints are among them."""

    nodes: tuple[int, ...]
    parents: tuple[int, ...]
    """Indices into ``nodes``; -1 for the first alone."""
    names: tuple[str, ...]
    among: Several | None = None
    """The bodies of the scene."""


def choose_body(tree: NodeTree, wish: str | None, source: str) -> Body:
    """The body of a scene: the tree of most joints, or the one asked for.

    Args:
        tree: the scene.
        wish: the name of a root, or its number from 1; None for the largest tree.
        source: the file's name, for messages.

    Raises:
        FileError: the scene has no nodes.
        SpecError: no such body.
    """
    depth_first = _depth_first(tree)
    # A file without marked joints may still move a prop or a robot of plain nodes.
    joints = tree.joints & set(depth_first) or set(depth_first)
    if not joints:
        raise FileError(source, "no joints", "a skeleton with its motion", "export it again")
    members = set(joints)
    below_joint = set(joints)
    for node in depth_first:
        if tree.parents[node] in below_joint:
            below_joint.add(node)
    # Groups between two joints move the lower one, so they count as joints too. Upwards from a
    # joint, a node of the body has been gone through already, with all above it.
    for joint in joints:
        above = tree.parents[joint]
        while above not in members and above in below_joint:
            members.add(above)
            above = tree.parents[above]
    # Every member's root, in the order of the file. Parents come first in this order.
    root_of: dict[int, int] = {}
    for node in depth_first:
        if node in members:
            root_of[node] = root_of.get(tree.parents[node], node)
    roots = list(dict.fromkeys(root_of.values()))
    sizes = Counter(root_of.values())
    names = _unique([tree.names[root] for root in roots])
    largest = max(range(len(roots)), key=lambda i: sizes[roots[i]])
    chosen = choose("body", names, wish, source, largest)
    bodies = [i for i, root in enumerate(roots) if sizes[root] >= _FEWEST_JOINTS or i == chosen]
    among = Several("body", tuple(names[i] for i in bodies), bodies.index(chosen))
    nodes = _ordered(tree, [node for node in depth_first if root_of.get(node) == roots[chosen]])
    index = {node: j for j, node in enumerate(nodes)}
    return Body(
        nodes,
        tuple(index.get(tree.parents[node], -1) for node in nodes),
        tuple(_unique([tree.names[node] for node in nodes])),
        among,
    )


def _depth_first(tree: NodeTree) -> list[int]:
    """All nodes that hang on a top node, children after their parents and in the file's order."""
    children: dict[int, list[int]] = {}
    for node, parent in enumerate(tree.parents):
        children.setdefault(parent, []).append(node)
    order: list[int] = []
    # A stack instead of recursion: hostile files nest deeper than Python allows. Nodes in a circle
    # are never reached.
    stack = children.get(-1, [])[::-1]
    while stack:
        node = stack.pop()
        order.append(node)
        stack += children.get(node, [])[::-1]
    return order


def _ordered(tree: NodeTree, nodes: list[int]) -> tuple[int, ...]:
    """A body's nodes in the file's own order, where it names them all, parents first."""
    members = set(nodes)
    listed = [node for node in dict.fromkeys(tree.order) if node in members]
    place = {node: i for i, node in enumerate(listed)}
    fits = len(listed) == len(nodes) and all(
        place.get(tree.parents[node], -1) < place[node] for node in listed
    )
    return tuple(listed if fits else nodes)


def _unique(names: Sequence[str]) -> list[str]:
    """Names on one line each, with a number where one occurs again or is empty."""
    taken: set[str] = set()
    following: dict[str, int] = {}
    unique = []
    for name in names:
        plain = " ".join(name.split()) or "joint"
        # Numbers continue for each name, so that thousands of equal names take linear time.
        candidate, number = plain, following.get(plain, 2)
        while candidate in taken:
            candidate, number = f"{plain}_{number}", number + 1
        following[plain] = number
        taken.add(candidate)
        unique.append(candidate)
    return unique
