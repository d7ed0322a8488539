"""The cache keeps what was used last, within its bytes."""

from __future__ import annotations

from convmixer_viz.engine.cache import BytesCache


def test_the_one_used_longest_ago_goes_first() -> None:
    cache = BytesCache[str](limit=6, size=len)
    cache.put(1, "aa")
    cache.put(2, "bb")
    cache.put(3, "cc")
    assert cache.get(1) == "aa" and cache.nbytes == 6
    cache.put(4, "dd")
    assert cache.get(2) is None
    assert [cache.get(key) for key in (1, 3, 4)] == ["aa", "cc", "dd"]


def test_a_value_larger_than_the_limit_stays_alone() -> None:
    cache = BytesCache[str](limit=3, size=len)
    cache.put("small", "a")
    cache.put("large", "a" * 9)
    assert cache.get("small") is None and cache.get("large") == "a" * 9
    cache.put("small", "a")
    assert cache.get("large") is None and cache.nbytes == 1


def test_a_new_value_takes_the_old_ones_place_and_clearing_empties() -> None:
    cache = BytesCache[str](limit=9, size=len)
    cache.put("key", "aaaa")
    cache.put("key", "b")
    assert cache.get("key") == "b" and cache.nbytes == 1
    cache.clear()
    assert cache.get("key") is None and cache.nbytes == 0
