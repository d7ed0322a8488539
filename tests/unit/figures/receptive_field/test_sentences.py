"""Sentences are filled with the numbers that were measured."""

from __future__ import annotations

from convmixer_viz.figures.receptive_field import sentences
from convmixer_viz.questions.receptive_field import ReceptiveField


def test_a_block_has_its_sigma(field: ReceptiveField) -> None:
    assert f"σ {field.sigma[3]:.1f} px" in sentences.describe(field, 3)
    assert sentences.describe(field, 0).startswith("the stem: ")


def test_a_cut_names_the_first_block(field: ReceptiveField) -> None:
    cut = sentences.describe_cut(field)
    assert (cut is None) == (not field.touches.any())
    assert cut and f"from block {field.blocks[int(field.touches.argmax())]}" in cut


def test_growth_and_ratios(field: ReceptiveField) -> None:
    share = field.sigma_square[-1] / field.weights_only[-1]
    text = sentences.describe_growth(field, field)
    assert f"{share:.0%} of what its weights alone" in text and "100% of its untrained" in text
    assert "by the procedure of RepLKNet's" in sentences.describe_ratios(field)
