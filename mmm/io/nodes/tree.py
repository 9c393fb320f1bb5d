"""The bodies in a scene of nodes: which nodes are the joints of one body."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from mmm.errors import FileError
from mmm.io.choosing import Choice, choose

# A tree of fewer joints is a control or a prop, which notes on several bodies do not list.
_FEWEST_JOINTS = 5


@dataclass(frozen=True)
class NodeTree:
    """The nodes of a scene, without their motion."""

    names: tuple[str, ...]
    parents: tuple[int, ...]
    """-1 for top-level nodes. Parents need not come before their children."""
    joints: frozenset[int]
    """Nodes that the format marks as joints. If it marks none, all nodes count."""
    order: tuple[int, ...] = ()
    """Joints in the file's own order; empty if it has none."""


@dataclass(frozen=True)
class Body:
    """The nodes of one body, in the order of its joints; nodes between joints are included."""

    nodes: tuple[int, ...]
    parents: tuple[int, ...]
    """Indices into ``nodes``; -1 for the first only."""
    names: tuple[str, ...]
    bodies: Choice | None = None
    """The bodies of the scene and the chosen one."""


def choose_body(tree: NodeTree, requested: str | None, source: str) -> Body:
    """The requested body of a scene; by default the tree of most joints.

    Args:
        tree: the scene.
        requested: the name of a root, or its number from 1; None for the largest tree.
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
    # Groups between two joints move the lower one, so they count as joints too. The way up from a
    # joint can stop at a member, whose own way up has been added already.
    for joint in joints:
        above = tree.parents[joint]
        while above not in members and above in below_joint:
            members.add(above)
            above = tree.parents[above]
    # The root of every member. In depth-first order, parents come first.
    root_of: dict[int, int] = {}
    for node in depth_first:
        if node in members:
            root_of[node] = root_of.get(tree.parents[node], node)
    roots = list(dict.fromkeys(root_of.values()))
    sizes = Counter(root_of.values())
    names = _unique([tree.names[root] for root in roots])
    largest = max(range(len(roots)), key=lambda i: sizes[roots[i]])
    chosen = choose("body", names, requested, source, largest)
    bodies = [i for i, root in enumerate(roots) if sizes[root] >= _FEWEST_JOINTS or i == chosen]
    choice = Choice("body", tuple(names[i] for i in bodies), bodies.index(chosen))
    nodes = _ordered(tree, [node for node in depth_first if root_of.get(node) == roots[chosen]])
    index = {node: j for j, node in enumerate(nodes)}
    return Body(
        nodes,
        tuple(index.get(tree.parents[node], -1) for node in nodes),
        tuple(_unique([tree.names[node] for node in nodes])),
        choice,
    )


def _depth_first(tree: NodeTree) -> list[int]:
    """All top-level nodes and their descendants, depth first, children in the file's order."""
    children: dict[int, list[int]] = {}
    for node, parent in enumerate(tree.parents):
        children.setdefault(parent, []).append(node)
    order: list[int] = []
    # A stack instead of recursion, because hostile files nest deeper than Python allows. Nodes in a
    # cycle are never reached.
    stack = children.get(-1, [])[::-1]
    while stack:
        node = stack.pop()
        order.append(node)
        stack += children.get(node, [])[::-1]
    return order


def _ordered(tree: NodeTree, nodes: list[int]) -> tuple[int, ...]:
    """A body's nodes in the file's own order, if it lists them all with parents first."""
    members = set(nodes)
    listed = [node for node in dict.fromkeys(tree.order) if node in members]
    rank = {node: i for i, node in enumerate(listed)}
    fits = len(listed) == len(nodes) and all(
        rank.get(tree.parents[node], -1) < rank[node] for node in listed
    )
    return tuple(listed if fits else nodes)


def _unique(names: Sequence[str]) -> list[str]:
    """Names without line breaks; repeated ones get a number, empty ones become ``joint``."""
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
