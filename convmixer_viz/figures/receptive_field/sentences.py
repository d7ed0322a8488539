"""Sentences about receptive fields, filled with what was measured."""

from __future__ import annotations

from convmixer_viz.questions.receptive_field import ReceptiveField

CAPTION = (
    "σ is the root of the mean square distance, an axis, at which the square of the gradient lies. "
    "A larger field is not a better one."
)


def describe(result: ReceptiveField, block: int) -> str:
    """The size of one block's field: radii of 50 and 90 %, and σ, in px."""
    row = result.blocks.index(block)
    name = f"block {block}" if block else "the stem"
    cut = f", {result.border[row]:.0%} of it at the picture's edge" if result.touches[row] else ""
    return (
        f"{name}: half of the field within {result.radius[row, 0]:.1f} px, 90 % within "
        f"{result.radius[row, 1]:.1f} px; σ {result.sigma[row]:.1f} px{cut}"
    )


def describe_cut(result: ReceptiveField) -> str | None:
    """How many blocks' fields the picture cuts, as a warning; None where it cuts none."""
    cut = [block for block, touched in zip(result.blocks, result.touches, strict=True) if touched]
    if not cut:
        return None
    return (
        f"The picture cuts the fields of {len(cut)} of {len(result.blocks)} blocks (from block "
        f"{cut[0]}): their sizes are those of the window. A higher resolution shows more."
    )


def describe_growth(result: ReceptiveField, twin: ReceptiveField | None) -> str:
    """How σ grows, and what training did to the last block's."""
    sentences = [CAPTION]
    if result.growth is not None:
        sentences.append(
            f"Where the picture doesn't cut it, σ grows as block^{result.growth:.2f} "
            "(a random walk: 0.50)."
        )
    against = {"what its weights alone would give": result.weights_only[-1]}
    if twin is not None:
        against["its untrained twin's"] = twin.sigma_square[-1]
    for name, value in against.items():
        if value > 0:
            sentences.append(f"The last σ is {result.sigma_square[-1] / value:.0%} of {name}.")
    return " ".join(sentences)


def describe_ratios(result: ReceptiveField) -> str:
    """What the ratios are, and on which scale RepLKNet's stands."""
    same = result.scalar == result.reduction == "relu"
    peer = "equal to" if same else "by the procedure of"
    return (
        "r(t) is the area of the square about the token that holds t of the field, in % of the "
        f"picture. r log is {peer} RepLKNet's: of log10(P + 1) about pixel h//2, which depends on "
        "the field's scale (its maximum, beside it)."
    )
