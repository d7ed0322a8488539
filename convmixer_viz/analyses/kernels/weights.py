"""What measuring kernels takes, whatever is made of it."""

from __future__ import annotations

from convmixer_viz.analyses.kernels.spectrum import HALF, SIDE
from convmixer_viz.engine.memory import DOUBLE, Workload

FIXED = 64 * 2**20  # bytes: the bank of templates, and the random kernels that it is held against


def layer_bytes(work: Workload) -> int:
    """Bytes of measuring all kernels of one block: most are their spectra, and what is squared."""
    spectra = 6 * SIDE * HALF
    return FIXED + DOUBLE * work.shape.dim * (spectra + 8 * work.shape.kernel_size**2)


def kernel_count(work: Workload) -> int:
    """Kernels of the blocks asked for."""
    return work.shape.dim * (len(work.options.blocks) or work.shape.depth)
