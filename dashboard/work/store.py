"""A bounded store of results for all sessions, which drops the least recently used."""

import threading
import time
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


@dataclass(frozen=True, eq=False)
class _Kept(Generic[Value]):
    value: Value
    nbytes: int
    since: float


class Store(Generic[Key, Value]):
    """Results by request. The least recently used are dropped first; the latest always stays.

    Args:
        most_bytes: limit on the bytes of all values.
    """

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self._kept: OrderedDict[Key, _Kept[Value]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Key, since: float = float("-inf")) -> Value | None:
        """The value of a key, if it was put at ``since`` (``time.monotonic()``) or later."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is None or kept.since < since:
                return None
            self._kept.move_to_end(key)
            return kept.value

    def put(self, key: Key, value: Value, nbytes: int) -> None:
        """Store a value of ``nbytes``, and drop the least recently used ones above the limit."""
        with self._lock:
            self._kept[key] = _Kept(value, nbytes, time.monotonic())
            # Assigning to an existing key keeps its old place in an ``OrderedDict``.
            self._kept.move_to_end(key)
            # The latest stays even if it alone is over the limit: its page is about to show it.
            while len(self._kept) > 1 and self._total() > self.most_bytes:
                self._kept.popitem(last=False)

    def _total(self) -> int:
        return sum(kept.nbytes for kept in self._kept.values())

    def items(self) -> list[tuple[Key, Value]]:
        """All keys and values, the latest first."""
        with self._lock:
            # A list made under the lock: other sessions may put results while the caller iterates.
            return [(key, kept.value) for key, kept in reversed(self._kept.items())]
