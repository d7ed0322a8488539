"""Set the memory allocator to keep freed memory in the process: only where command line or app
own it, never by importing or using the package.

glibc otherwise hands blocks back to the kernel, and each tensor pays its page faults again
(768/32: 2.1 times as long in a fresh process, 1.3 after the first).
"""

from __future__ import annotations

import ctypes
import platform

_MMAP_THRESHOLD, _TRIM_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -3, -1, -4, -8  # mallopt's
LARGEST, FREE = 32 * 2**20, 256 * 2**20  # bytes: of a block that is kept, and of all kept unused


def keep(everything: bool = False) -> bool:
    """Tell glibc's allocator to keep blocks up to LARGEST and FREE in all, or everything for as
    long as the process lives; whether there was a glibc to tell."""
    if platform.libc_ver()[0] != "glibc":
        return False
    bounded = ((_MMAP_THRESHOLD, LARGEST), (_TRIM_THRESHOLD, FREE))
    unbounded = ((_MMAP_MAX, 0), (_TRIM_THRESHOLD, 2**31 - 1))
    mallopt = ctypes.CDLL(None).mallopt
    # one arena: those of other threads would keep nothing
    settings = (*(unbounded if everything else bounded), (_ARENA_MAX, 1))
    return all(mallopt(*setting) for setting in settings)


def give_back() -> None:
    """Hand what is kept unused back to the system, so that a peak can be seen."""
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)
