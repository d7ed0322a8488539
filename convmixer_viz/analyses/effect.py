"""What edits of a model or of pictures change over many pictures, beside the changes that random
and shuffled kernels make."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convmixer_viz import agreement
from convmixer_viz.contract import Step
from convmixer_viz.engine.memory import DOUBLE, Workload
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.pictures.prepare import PreparedPicture, PreparedPictures
from convmixer_viz.questions import picture_edits
from convmixer_viz.questions.edits import Epoch, in_words
from convmixer_viz.questions.effect import (
    CONTROLS,
    Effect,
    Options,
    Point,
    Variant,
    models,
    points,
)
from convmixer_viz.weights import history

Counts = dict[str, NDArray[Any]]
NONE: Variant = ((), ())


def compute(
    model: LoadedModel, images: Sequence[PreparedPicture], options: Options
) -> Iterator[Step[Effect]]:
    """One step a call of a model, the unedited one on unedited pictures first; partial results have
    the points that are done. What an earlier process has counted is not counted again."""
    variant: Variant = (model.edits, getattr(images, "edits", ()))
    chosen = points(variant, options.sweep, model.preset.shape, _epochs(model))
    controls = tuple(CONTROLS) if options.seeds and model.edits else ()
    tried = models(chosen, options.seeds)
    counted = {each: counts for each in tried if (counts := model.finished.get(_part(each)))}
    batch_size = model.batch_size(images[0].array.shape[-1])
    starts = range(0, len(images), batch_size)
    missing = [each for each in tried if each not in counted]
    done, total = 0, max(1, len(missing) * len(starts))
    partial: Effect | None = None
    for each in missing:
        one, seen, logits = *_ready(model, images, each), []
        for start in starts:
            if done:
                yield Step(done, total, partial)
            part = seen[start : start + batch_size]
            logits.append(one.logits(one.tensor(part)).cpu().numpy())
            done += 1
        counted[each] = _count(counted.get(NONE), np.concatenate(logits), _labels(model, images))
        model.finished.put(_part(each), counted[each])
        partial = _effect(model, chosen, controls, counted, options)
    yield Step(total, total, _effect(model, chosen, controls, counted, options))


def _ready(
    model: LoadedModel, images: Sequence[PreparedPicture], variant: Variant
) -> tuple[LoadedModel, Sequence[PreparedPicture]]:
    """The edited model, and the edited pictures."""
    edits, of_pictures = variant
    one = model if edits == model.edits else model.edited(edits)
    if not isinstance(images, PreparedPictures) or of_pictures == images.edits:
        return one, images
    return one, images.edited(of_pictures)


def estimate(work: Workload) -> int:
    """One call; the logits of two models, in float64 while they are compared; two models."""
    logits = work.pictures * work.class_count * (2 * work.itemsize + 6 * DOUBLE)
    modules = 2 * work.itemsize * work.shape.parameters(work.class_count)
    return work.prepared + work.forward() + logits + modules


def _epochs(model: LoadedModel) -> list[int]:
    """Of the history, where the last edit goes back to one."""
    if not model.edits or not isinstance(model.edits[-1], Epoch):
        return []
    return history.read(model.preset)["epochs"].tolist()  # type: ignore[no-any-return]


def _part(variant: Variant) -> str:
    edits, of_pictures = variant
    on_pictures = f" on {picture_edits.in_words(of_pictures)}" if of_pictures else ""
    return " ".join(in_words(edits)) + on_pictures


def _labels(
    model: LoadedModel, images: Sequence[PreparedPicture]
) -> NDArray[np.int64] | None:  # (n,)
    labelled = getattr(images, "labelled", False)
    return images.labels(model.class_names) if labelled else None  # type: ignore[attr-defined]


def _count(
    base: Counts | None, logits: NDArray[np.float32], labels: NDArray[np.int64] | None
) -> Counts:
    """A model's counts against the unedited one's, whose own part has its logits; by reference
    class where an array is (classes,)."""
    before = logits if base is None else base["logits"]
    first, first_before = logits.argmax(1), before.argmax(1)
    reference = first_before if labels is None else labels
    right, right_before = first == reference, first_before == reference
    rows = np.arange(len(logits))
    logit = logits[rows, reference].astype(np.float64)
    change, probabilities = logit - before[rows, reference], agreement.softmax(logits)
    probability = probabilities[rows, reference]
    divergence = agreement.divergence(agreement.softmax(before), probabilities)

    def by_class(values: NDArray[Any]) -> NDArray[np.float64]:
        return np.bincount(reference, values, logits.shape[1]).astype(np.float64, copy=False)

    counts = {
        "pictures": by_class(np.ones(len(logits))).astype(np.int64),
        "right": by_class(right).astype(np.int64),
        "lost": np.array((right_before & ~right).sum()),
        "won": np.array((right & ~right_before).sum()),
        "unchanged": np.array((first == first_before).sum()),
        "divergence": np.array(divergence.mean()),
        "change": by_class(change),
        "change_error": _error(change),
        "logit": np.array(logit.mean()),
        "logit_error": _error(logit),
        "probability": np.array(probability.mean()),
        "probability_error": _error(probability),
        "labelled": np.array(labels is not None),
    }
    return counts if base is not None else counts | {"logits": logits}


def _error(values: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """The standard error of a mean; 0 of a single value."""
    return np.array(values.std(ddof=min(1, len(values) - 1)) / np.sqrt(len(values)))


def _effect(
    model: LoadedModel,
    chosen: Sequence[Point],
    controls: Sequence[str],
    counted: dict[Variant, Counts],
    options: Options,
) -> Effect | None:
    """The points whose models are all counted, in order; none before the first of them is."""
    base, seeds = counted[NONE], range(options.seeds if controls else 0)
    whole = [p for p in chosen if all(e in counted for e in models([p], options.seeds))]
    if not whole:
        return None
    each = [counted[point.variant] for point in whole]
    drawn = [
        [[counted[point.control(name, seed)] for seed in seeds] for point in whole]
        for name in controls
    ]
    pictures = int(base["pictures"].sum())

    def over_points(name: str) -> NDArray[Any]:
        return np.array([counts[name].sum() for counts in each])

    def over_controls(name: str) -> NDArray[Any]:
        values = [[[c[name].sum() for c in point] for point in points] for points in drawn]
        return np.array(values).reshape(len(controls), len(whole), len(seeds))

    changes = np.array([counts["change"] for counts in each])
    return Effect(
        sweep=options.sweep,
        points=tuple(point.label for point in whole),
        edits=tuple(_part((point.edits, ())) for point in whole),
        picture_edits=tuple(picture_edits.in_words(point.picture_edits) for point in whole),
        at=np.array([point.at for point in whole], np.float64),
        pictures=pictures,
        labelled=bool(base["labelled"]),
        classes=model.class_names,
        base_right=int(base["right"].sum()),
        right=over_points("right"),
        lost=over_points("lost"),
        won=over_points("won"),
        unchanged=over_points("unchanged"),
        divergence=over_points("divergence"),
        logit=over_points("logit"),
        logit_error=over_points("logit_error"),
        probability=over_points("probability"),
        probability_error=over_points("probability_error"),
        base_logit=float(base["logit"]),
        base_probability=float(base["probability"]),
        logit_change=over_points("change") / pictures,
        logit_change_error=over_points("change_error"),
        class_pictures=base["pictures"],
        class_base_right=base["right"],
        class_right=np.array([counts["right"] for counts in each]),
        class_logit_change=changes / np.maximum(base["pictures"], 1),
        control_names=tuple(controls),
        control_right=over_controls("right").astype(np.int64),
        control_unchanged=over_controls("unchanged").astype(np.int64),
        control_divergence=over_controls("divergence").astype(np.float64),
        control_logit_change=over_controls("change").astype(np.float64) / pictures,
    )
