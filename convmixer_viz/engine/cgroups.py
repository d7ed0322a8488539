"""What the control groups of this process leave free: a container has less than its machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

MOUNT = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")
UNLIMITED = 2**60  # bytes: version 1 writes a number near 2**63 where there is no limit
# of the two versions: limit, use, and the line of memory.stat that can be given back at once
V2 = ("memory.max", "memory.current", "inactive_file")
V1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


def free_memory(mount: Path = MOUNT, membership: Path = MEMBERSHIP) -> int | None:
    """Bytes below the tightest limit of this process's groups, none where nothing limits them."""
    try:
        lines = membership.read_text("utf-8").splitlines()
    except OSError:
        return None
    left = [_left(group, names) for line in lines for group, names in _groups(line, mount)]
    return min((bytes_left for bytes_left in left if bytes_left is not None), default=None)


def _groups(line: str, mount: Path) -> Iterator[tuple[Path, tuple[str, str, str]]]:
    """A membership's group and those around it: each may have the limit."""
    _, controllers, path = line.split(":", 2)
    if controllers and "memory" not in controllers.split(","):
        return
    names = V1 if controllers else V2
    for root in (mount / "memory",) if controllers else (mount, mount / "unified"):
        group = root / path.strip("/")
        # inside a container the path may be the host's, and the mount the group itself
        yield from ((place, names) for place in (group, *group.parents) if _below(place, root))


def _below(place: Path, root: Path) -> bool:
    return place == root or root in place.parents


def _left(group: Path, names: tuple[str, str, str]) -> int | None:
    limit_name, use_name, reclaimable = names
    try:
        limit = (group / limit_name).read_text("utf-8").strip()
        use = int((group / use_name).read_text("utf-8"))
        statistics = (group / "memory.stat").read_text("utf-8").split()
    except (OSError, ValueError):  # no such group, or no memory controller in it
        return None
    if not limit.isdecimal() or int(limit) >= UNLIMITED:
        return None
    pairs = dict(zip(statistics[::2], statistics[1::2], strict=False))
    return max(0, int(limit) - use + int(pairs.get(reclaimable, 0)))
