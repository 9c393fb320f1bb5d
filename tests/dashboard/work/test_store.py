"""The bounded store of results."""

import time

from dashboard.work.store import Store


def test_the_least_recently_used_go_first():
    store: Store[str, str] = Store(300)
    for name in "abc":
        store.put(name, name.upper(), 100)
    assert store.get("a") == "A"  # used again: b is the oldest now
    store.put("d", "D", 100)
    assert [store.get(name) for name in "abcd"] == ["A", None, "C", "D"]
    assert [key for key, _ in store.items()] == ["d", "c", "a"]


def test_the_latest_stays_however_large_it_is():
    store: Store[str, str] = Store(300)
    store.put("small", "s", 1)
    store.put("large", "l", 1000)
    assert store.items() == [("large", "l")]


def test_only_what_came_since_a_moment_is_given():
    store: Store[str, str] = Store(300)
    store.put("a", "old", 1)
    moment = time.monotonic()
    assert store.get("a", since=moment) is None
    store.put("a", "new", 1)
    assert store.get("a", since=moment) == "new"
