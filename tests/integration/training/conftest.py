"""The tiny recipe and its pictures, as the unit tests have them."""

from tests.unit.training.conftest import pictures, tiny

__all__ = ["pictures", "tiny"]
