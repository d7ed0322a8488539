"""Attribution by taking tokens away and watching the score."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from convmixer_viz.analyses.attribution.question import Plan, Question, baselines
from convmixer_viz.questions.attribution import DEFAULT_MASKS

GROUPS = 8  # a side: KernelSHAP's groups of tokens
END_WEIGHT = 1e6  # of the full and the empty picture in KernelSHAP's regression, as in captum
CELLS = 7  # a side: RISE's coarse masks
KEEP = 0.5  # RISE's probability that a cell is kept


@dataclass(frozen=True, slots=True, eq=False)
class MaskedPicture:
    """A picture whose tokens can be taken away one by one. The stem's stride is its kernel, so
    a patch is one token, and replacing the token is replacing the patch."""

    question: Question
    tokens: Tensor  # (1, dim, H, W), the stem's output
    blanks: Tensor  # (baselines, dim, H, W), the stem's output for each baseline

    @property
    def batch_size(self) -> int:
        return self.question.model.batch_size(self.question.side)

    def logits(self, keep: Tensor, blank: int = 0) -> Tensor:
        """Logits with the tokens where `keep`, else a baseline's; (n, H, W) → (n, classes)."""
        model, mask = self.question.model, keep.to(self.tokens.device)[:, None]
        mixed = torch.where(mask, self.tokens, self.blanks[blank])
        return model.call(self._classify, model.place(mixed), self.question.side)

    def scores(self, keep: Tensor) -> Tensor:
        """The mean score over the baselines, (n, H, W) → (n,) float64 on the CPU."""
        answers = [self.logits(keep, blank).double() for blank in range(len(self.blanks))]
        return torch.stack([self.question.target.score(one) for one in answers]).mean(0).cpu()

    def _classify(self, tokens: Tensor) -> Tensor:
        module = self.question.model.module
        with torch.no_grad():
            return module.classify(module.blocks(tokens))


def masked_picture(question: Question, baseline: Tensor | None = None) -> MaskedPicture:
    """The question's picture over baseline pictures (n, 3, h, w); none are the options'."""
    blanks = baselines(question) if baseline is None else baseline

    def embed(part: Tensor) -> Tensor:
        with torch.no_grad():
            return question.model.module.embed(part)

    parts = [question.model.call(embed, part) for part in question.model.parts(blanks)]
    return MaskedPicture(question, question.model.call(embed, question.pixels), torch.cat(parts))


def occlusion(question: Question) -> Plan:
    """The score lost when a token alone is replaced by the baseline."""
    h, w = question.grid
    picture = masked_picture(question)
    starts = range(0, h * w + 1, picture.batch_size)

    def maps() -> Iterator[Tensor]:
        scores = torch.empty(0, dtype=torch.float64)  # of the whole picture, then without a token
        for start in starts:
            numbers = torch.arange(start, min(start + picture.batch_size, h * w + 1))
            keep = torch.arange(h * w) != numbers[:, None] - 1
            scores = torch.cat([scores, picture.scores(keep.view(-1, h, w))])
            lost = torch.zeros(h * w, dtype=torch.float64)
            lost[: len(scores) - 1] = scores[0] - scores[1:]
            yield lost.view(h, w)

    return Plan(len(starts), maps())


def kernel_shap(question: Question) -> Plan:
    """Shapley values of at most 64 groups of tokens from random coalitions, by least squares
    (Lundberg and Lee 2017); a group's value is shared evenly among its tokens."""
    groups = token_groups(*question.grid)
    coalitions = draw_coalitions(
        int(groups.max()) + 1, question.options.samples or DEFAULT_MASKS, question.generator()
    )
    picture = masked_picture(question)
    chunks = torch.split(coalitions, picture.batch_size)

    def maps() -> Iterator[Tensor]:
        scores = torch.empty(0, dtype=torch.float64)
        for chunk in chunks:
            scores = torch.cat([scores, picture.scores(chunk[:, groups])])
            values = regress(coalitions[: len(scores)], scores)
            yield (values / torch.bincount(groups.flatten()))[groups]

    return Plan(len(chunks), maps())


def token_groups(rows: int, columns: int) -> Tensor:
    """The group of each token, (rows, columns), at most GROUPS × GROUPS groups."""
    down, across = min(rows, GROUPS), min(columns, GROUPS)
    row, column = torch.arange(rows) * down // rows, torch.arange(columns) * across // columns
    return row[:, None] * across + column


def draw_coalitions(groups: int, count: int, generator: torch.Generator) -> Tensor:
    """(count, groups) bool: everybody, nobody, then sizes k drawn as 1 / (k·(groups − k)) and
    members evenly, which is the Shapley kernel."""
    ends = torch.tensor([[True], [False]]).expand(2, groups)
    if groups == 1:
        return ends
    sizes = torch.arange(1, groups, dtype=torch.float64)
    odds = 1 / (sizes * (groups - sizes))
    drawn = 1 + torch.multinomial(odds, count - 2, replacement=True, generator=generator)
    ranks = torch.rand(count - 2, groups, generator=generator).argsort(1).argsort(1)
    return torch.cat([ends, ranks < drawn[:, None]])


def regress(coalitions: Tensor, scores: Tensor) -> Tensor:
    """Weighted least squares of the scores on membership, (n, groups), (n,) → (groups,)."""
    weights = torch.ones(len(scores), 1, dtype=torch.float64)
    weights[:2] = END_WEIGHT**0.5
    design = torch.cat([torch.ones_like(weights), coalitions.double()], dim=1)
    fitted = torch.linalg.lstsq(weights * design, weights * scores[:, None], driver="gelsd")
    return cast("Tensor", fitted.solution[1:, 0])


def rise(question: Question) -> Plan:
    """Σ probability·mask / (N·E[mask]) over soft random masks (Petsiuk et al. 2018); a token's
    value is the mean over its patch."""
    model, (x,), blanks = question.model, question.pixels, baselines(question)
    count, generator = question.options.samples or DEFAULT_MASKS, question.generator()
    batch_size = model.batch_size(question.side)
    starts = range(0, count, batch_size)

    def maps() -> Iterator[Tensor]:
        total = torch.zeros(question.grid, dtype=torch.float64)
        for start in starts:
            number = min(batch_size, count - start)
            masks = torch.stack([soft_mask(x.shape[-2:], generator) for _ in range(number)])
            shown = masks.to(x.device)[:, None]
            mixed = [model.place(blank + shown * (x - blank)) for blank in blanks]
            each = [question.target.probability(model.logits(pictures)) for pictures in mixed]
            probabilities = torch.stack(each).mean(0).cpu()
            tokens = _patch_means(masks.double(), model.preset.shape.patch_size)
            total = total + torch.einsum("n,nij->ij", probabilities, tokens)
            yield total / ((start + number) * KEEP)

    return Plan(len(starts), maps())


def soft_mask(size: tuple[int, int], generator: torch.Generator) -> Tensor:
    """One of RISE's masks (h, w) in [0, 1]: coarse cells, enlarged smoothly, shifted."""
    h, w = size
    cell_h, cell_w = -(-h // CELLS), -(-w // CELLS)
    cells = (torch.rand(1, 1, CELLS, CELLS, generator=generator) < KEEP).float()
    large = torch.nn.functional.interpolate(
        cells, ((CELLS + 1) * cell_h, (CELLS + 1) * cell_w), mode="bilinear"
    )[0, 0]
    top = int(torch.randint(cell_h, (), generator=generator))
    left = int(torch.randint(cell_w, (), generator=generator))
    return large[top : top + h, left : left + w]


def _patch_means(masks: Tensor, p: int) -> Tensor:
    n, h, w = masks.shape
    seen = masks[:, : h // p * p, : w // p * p]
    return seen.reshape(n, h // p, p, w // p, p).mean((2, 4))
