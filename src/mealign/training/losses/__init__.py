"""Losses of pairs of answers: one module per loss, named like it.

A module defines one function, ``loss(pairs, *, beta, ...)``: :class:`PairScores` in, a tensor of shape [b] out, which
needs no trainer. By keyword it takes the settings of ``training.dpo`` that it uses, under their own names
(:data:`SETTINGS`). A plug-in folder adds ``losses/mine.py``, which ``training.dpo.loss=mine`` chooses.

This package imports no torch: settings are checked against it before anything heavy is loaded.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mealign import plugins
from mealign.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor

__path__ = plugins.extended(__path__, "losses")

SETTINGS = frozenset({"beta", "label_smoothing", "offset"})
"""Settings of ``training.dpo`` that a loss may use."""


@dataclass(frozen=True)
class PairScores:
    """What a loss is given for ``b`` pairs: tensors of shape [b].

    Attributes:
        policy_chosen_logps: log-probabilities of the chosen answers, sums over their tokens, in nats.
        policy_rejected_logps: of the rejected answers.
        ref_chosen_logps: of the chosen answers by the reference, without gradient.
        ref_rejected_logps: of the rejected answers by the reference.
        chosen_tokens: lengths of the chosen answers, the end of the turn included.
        rejected_tokens: of the rejected answers.
        margins: how clearly the evidence favours the chosen answer, in (0, 1].
    """

    policy_chosen_logps: Tensor
    policy_rejected_logps: Tensor
    ref_chosen_logps: Tensor
    ref_rejected_logps: Tensor
    chosen_tokens: Tensor
    rejected_tokens: Tensor
    margins: Tensor

    @property
    def chosen_logratios(self) -> Tensor:
        """How much more likely the chosen answers are under the policy than under the reference, in nats."""
        return self.policy_chosen_logps - self.ref_chosen_logps

    @property
    def rejected_logratios(self) -> Tensor:
        """How much more likely the rejected answers are under the policy than under the reference, in nats."""
        return self.policy_rejected_logps - self.ref_rejected_logps


def imitation(log_probs: Tensor, tokens: Tensor | int) -> Tensor:
    """Return the mean negative log-likelihood of answers' tokens, the loss of SFT.

    Args:
        log_probs: of the answers, or of their tokens, in nats; of any shape.
        tokens: the number of tokens in all answers.

    Returns:
        A scalar, in nats per token.
    """
    return -log_probs.sum() / tokens


def names() -> list[str]:
    """Return the names of all losses, including those of plug-ins, in alphabetical order."""
    return plugins.names_in(__name__)


def file_of(name: str) -> Path:
    """Return the file of a loss, which may lie in a plug-in folder.

    Raises:
        ConfigError: there is no such loss.
    """
    file = plugins.file_of(__name__, name)
    if file is None:
        raise ConfigError(f"training.dpo.loss={name}: there is no such loss; use one of {', '.join(names())}")
    return file


def settings_of(name: str) -> frozenset[str]:
    """Return which of :data:`SETTINGS` a loss uses, by its function's keywords; its module is not imported.

    Raises:
        ConfigError: the module is not valid Python, has no such function, or uses another setting.
    """
    file = file_of(name)
    try:
        body = ast.parse(file.read_text(encoding="utf-8")).body
    except SyntaxError as error:
        raise ConfigError(f"{file}:{error.lineno}: {error.msg}; correct this loss, or take the file away") from error
    functions = [node for node in body if isinstance(node, ast.FunctionDef) and node.name == "loss"]
    if not functions:
        raise ConfigError(f"{file}: it defines no function `loss`; docs/extending.md shows one")
    given = functions[-1].args
    needed = {word.arg for word, default in zip(given.kwonlyargs, given.kw_defaults, strict=True) if default is None}
    if len(given.args) != 1 or needed - SETTINGS:
        raise ConfigError(
            f"{file}:{functions[-1].lineno}: `loss` takes `pairs` and, behind a `*`, any of "
            f"{', '.join(sorted(SETTINGS))}; give what else it takes a default"
        )
    return SETTINGS & {word.arg for word in given.kwonlyargs}
