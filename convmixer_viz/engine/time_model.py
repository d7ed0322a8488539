"""How long work takes here: its cost by the model's shape, times the seconds that this machine has
shown so far for a unit of that kind of cost."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import NamedTuple

from convmixer_viz.presets.table import Preset

FADING = 0.7  # what an observation still weighs at the next one of its kind
MOST_KINDS = 2000  # that are remembered; the one seen longest ago goes


class Kind(NamedTuple):
    """Work whose seconds are proportional to its cost."""

    name: str  # of the analysis, or of what else is done
    choices: tuple[str, ...]  # that change its course: device, mode, method …
    preset: str = ""  # empty: of any preset


class _Rate(NamedTuple):
    cost: float
    seconds: float


class TimeModel:
    """Seconds a unit of cost, by kind of work; late observations count most. Of a preset that was
    never at work the others' rate is taken. Threads may share it."""

    def __init__(self) -> None:
        self._rates: OrderedDict[Kind, _Rate] = OrderedDict()
        self._lock = threading.Lock()

    def observe(self, kind: Kind, cost: float, seconds: float) -> None:
        """Note what a piece of work took."""
        with self._lock:
            for each in (kind, kind._replace(preset="")):
                before = self._rates.pop(each, _Rate(0.0, 0.0))
                self._rates[each] = _Rate(
                    FADING * before.cost + cost, FADING * before.seconds + seconds
                )
            while len(self._rates) > MOST_KINDS:
                self._rates.popitem(last=False)

    def estimate(self, kind: Kind, cost: float) -> float | None:
        """Seconds that a piece of work takes; None where nothing of its kind was seen yet."""
        with self._lock:
            rate = self._rates.get(kind) or self._rates.get(kind._replace(preset=""))
        return rate and cost * rate.seconds / rate.cost


def cost(preset: Preset, side: int, pictures: int, passes: float) -> float:
    """Multiply-adds of so many passes of each picture, `side` pixels wide, through a preset."""
    one = preset.shape.multiply_adds(side, preset.class_count)
    return sum(one.values()) * max(1, pictures) * passes
