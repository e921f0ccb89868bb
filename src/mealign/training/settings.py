"""Settings of training: the adapter, the mix of SFT and DPO, and the parameters of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from mealign.settings import INFINITE, name_setting, optional, section, setting


class LoraVariant(StrEnum):
    """How a low-rank update is scaled, initialised or decomposed.

    ``rslora`` scales by alpha / sqrt(rank) (arXiv 2312.03732), ``dora`` learns the magnitude of the weights' columns
    separately from their direction (arXiv 2402.09353), ``pissa`` starts from the weights' principal components
    (arXiv 2404.02948). ``qlora`` is plain LoRA on a base model that is held in four bits during training (NF4, arXiv
    2305.14314); it needs the extra ``gpu``.
    """

    lora = "lora"
    rslora = "rslora"
    dora = "dora"
    pissa = "pissa"
    qlora = "qlora"


@dataclass
class LoraConfig:
    """Low-rank adapters (arXiv 2106.09685). ``alpha_ratio`` is alpha / rank."""

    variant: LoraVariant = setting("how the update is scaled, begun or decomposed")
    rank: int = setting("the rank of the adapter", 1, 1024)
    alpha_ratio: float = setting("alpha / rank", 0.01, 100)
    dropout: float = setting("a dropout probability", 0, 0.9)
    targets: tuple[str, ...] = setting("the layers that are adapted, by name")


@dataclass
class MixConfig:
    """Which training stages run.

    ``dpo_fraction`` is the share of DPO steps in the DPO stage; the others, spread evenly, are SFT steps on the
    training tasks.
    """

    name: str = name_setting("the mix's name")
    sft: bool = setting("whether SFT trains an adapter first")
    dpo: bool = setting("whether DPO trains an adapter")
    dpo_fraction: float = setting("the share of the steps that are DPO", 0.01, 1)

    def problems(self, key: str) -> Iterator[str]:
        """Report what cannot work."""
        if not (self.sft or self.dpo):
            yield (
                f"{key}={self.name}: it trains nothing; set {key}.sft=true or {key}.dpo=true, or choose "
                f"{key}=sft_then_dpo"
            )
        if self.dpo_fraction < 1 and not self.dpo:
            yield (
                f"{key}={self.name} with {key}.dpo_fraction={self.dpo_fraction}: this mix has no DPO to put SFT "
                f"between; choose {key}=interleaved, or set {key}.dpo_fraction=1"
            )


@dataclass
class SftConfig:
    """Supervised fine-tuning: the loss covers only the answer's tokens.

    ``replay_share`` of the examples are general questions with the model's own earlier answers (at most 60). With
    ``patience``, a tenth of the tasks measures how well memory is read, ten times per run: training ends after that
    many measurements without a lower loss, and the adapter with the lowest is kept. null trains on all tasks to the
    end. ``compile`` first compiles the model with torch.compile, which takes minutes.
    """

    epochs: float = setting("the number of passes", 0.01, 1000)
    learning_rate: float = setting("a learning rate", 1e-8, 1)
    batch_size: int = setting("a batch size", 1, 4096)
    warmup_ratio: float = setting("a share of the steps", 0, 1)
    weight_decay: float = setting("a weight decay", 0, 10)
    replay_share: float = setting("the share of general questions", 0, 0.5)
    max_steps: int = setting("the number of steps; -1: as many as the epochs need")
    compile: bool = setting("whether torch.compile is used")
    patience: int | None = optional("the number of measurements", 1, 10)


class Attention(StrEnum):
    """Transformers' name of the attention used for packed pairs; ``flex_attention`` needs an accelerator."""

    sdpa = "sdpa"
    flex_attention = "flex_attention"


@dataclass
class DpoConfig:
    """Direct preference optimisation (arXiv 2305.18290). ``batch_size`` counts pairs per step.

    ``loss`` names a module of :mod:`mealign.training.losses`: ``sigmoid`` is DPO's own; ``ipo`` (arXiv 2310.12036),
    ``hinge`` (arXiv 2305.10425), ``robust`` (arXiv 2403.00409) expects a share ``label_smoothing`` of the pairs to be
    the wrong way round. ``offset`` is ODPO's alpha (arXiv 2402.10571): rewards should differ by alpha * log(margin of
    the pair's evidence), so less for a less clear pair; 0 is DPO. ``sft_weight`` is the weight of the chosen answer's
    negative log-likelihood in the loss (arXiv 2404.19733).
    """

    beta: float = setting("the inverse temperature of DPO", 1e-4, 100)
    loss: str = setting("the loss over a pair's rewards")
    label_smoothing: float = setting("the share of pairs that are the wrong way round", 0, 0.499)
    offset: float = setting("the weight of the margin", 0, 100)
    epochs: float = setting("the number of passes", 0.01, 1000)
    learning_rate: float = setting("a learning rate", 1e-8, 1)
    batch_size: int = setting("a batch size", 1, 4096)
    micro_batch_size: int = setting("a batch size", 1, 4096)
    warmup_ratio: float = setting("a share of the steps", 0, 1)
    sft_weight: float = setting("the weight of the SFT term", 0, 100)
    max_pairs: int = setting("the number of pairs", 1, INFINITE)
    max_steps: int = setting("the number of steps; -1: as many as the epochs need")
    attention: Attention = setting("the attention that packed pairs are read with")
    compile: bool = setting("whether torch.compile is used")

    def problems(self, key: str) -> Iterator[str]:
        """Report what cannot work."""
        # Imported only here: a plug-in folder that does not exist is a problem of settings too.
        from mealign.training import losses

        known = losses.names()
        if self.loss not in known:
            yield f"{key}.loss={self.loss}: there is no such loss; use one of {', '.join(known)}"
            return
        used = losses.settings_of(self.loss)
        for name, reason in (
            ("offset", "a margin of rewards is defined for the {} loss"),
            ("label_smoothing", "only the {} loss uses it"),
        ):
            value = getattr(self, name)
            if value > 0 and name not in used:
                users = [other for other in known if name in losses.settings_of(other)]
                yield (
                    f"{key}.{name}={value} with {key}.loss={self.loss}: {reason.format(' or '.join(users))}; "
                    f"set {key}.loss={users[0]}, or {key}.{name}=0"
                )


@dataclass
class TrainingConfig:
    """The two training stages.

    ``init_from`` is the id of an MLflow run: the first training stage starts from the last adapter that this run logged
    instead of a fresh one. Without SFT that adapter is also DPO's reference, and gives the answers that are compared.
    """

    sft: SftConfig = section()
    dpo: DpoConfig = section()
    init_from: str | None = optional("the id of an MLflow run whose adapter training starts from")
