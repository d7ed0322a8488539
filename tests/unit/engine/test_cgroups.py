"""What a container leaves free, read from files as both versions of control groups write them."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from convmixer_viz.engine import cgroups, hardware


def write(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / f"memory.{name}").write_text(text)


def membership(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "cgroup"
    path.write_text(text)
    return path


def test_version_2_counts_the_tightest_group_around(tmp_path: Path) -> None:
    mount = tmp_path / "mount"
    stat = "anon 500\ninactive_file 100\nactive_file 7\n"
    write(mount / "a", max="1000\n", current="700\n", stat=stat)
    write(mount / "a" / "b", max="max\n", current="600\n", stat=stat)
    member = membership(tmp_path, "0::/a/b\n")
    assert cgroups.free_memory(mount, member) == 1000 - 700 + 100
    write(mount / "a" / "b", max="650\n", current="600\n", stat=stat)
    assert cgroups.free_memory(mount, member) == 150


def test_version_1_reads_the_memory_controller_alone(tmp_path: Path) -> None:
    mount = tmp_path / "mount"
    stat = "inactive_file 1\ntotal_inactive_file 50\n"
    write(mount / "cpu" / "x", limit_in_bytes="1", usage_in_bytes="0", stat=stat)
    write(mount / "memory" / "x", limit_in_bytes="4000", usage_in_bytes="1000", stat=stat)
    write(mount / "memory", limit_in_bytes=str(2**63 - 4096), usage_in_bytes="9", stat=stat)
    member = membership(tmp_path, "9:cpu:/x\n4:memory:/x\n0::/\n")
    assert cgroups.free_memory(mount, member) == 3050


def test_a_path_of_the_host_falls_back_to_what_is_mounted(tmp_path: Path) -> None:
    write(tmp_path / "m" / "memory", limit_in_bytes="300", usage_in_bytes="100", stat="")
    member = membership(tmp_path, "4:memory:/docker/0123\n")
    assert cgroups.free_memory(tmp_path / "m", member) == 200


def test_no_limit_and_no_groups_say_nothing(tmp_path: Path) -> None:
    write(tmp_path / "m", max="max", current="5", stat="")
    assert cgroups.free_memory(tmp_path / "m", membership(tmp_path, "0::/\n")) is None
    assert cgroups.free_memory(tmp_path / "m", tmp_path / "missing") is None


def test_use_beyond_the_limit_leaves_nothing(tmp_path: Path) -> None:
    write(tmp_path / "m", max="100", current="300", stat="")
    assert cgroups.free_memory(tmp_path / "m", membership(tmp_path, "0::/\n")) == 0


@pytest.mark.parametrize(("group", "machine"), [(5, 7), (7, 5), (None, 5)])
def test_free_memory_is_the_smaller_of_machine_and_group(
    monkeypatch: pytest.MonkeyPatch, group: int | None, machine: int
) -> None:
    monkeypatch.setattr(cgroups, "free_memory", lambda: group)
    free = psutil.virtual_memory()._replace(available=machine)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: free)
    assert hardware.free_memory("cpu") == 5
