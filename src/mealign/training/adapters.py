"""LoRA adapters: added to a base model, fresh or from a folder, and saved without it.

PiSSA subtracts its adapter's initial weights from the base model's; what is saved fits the unchanged base model.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig as PeftLoraConfig
from peft import PeftModel, get_peft_model, get_peft_model_state_dict
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from mealign.errors import MealignError
from mealign.jsonl import AGAIN, read_object
from mealign.language.weights import quiet_transformers
from mealign.training.settings import LoraConfig, LoraVariant

CONFIG_FILE = "adapter_config.json"
WEIGHTS_FILE = "adapter_model.safetensors"
PISSA_ITERATIONS = 16
"""Iterations of the randomised decomposition of every layer (arXiv 2404.02948, sec. 3 and app. G), which takes seconds;
the exact one takes minutes."""
CONFIGURED = {
    "base_model_name_or_path", "lora_alpha", "lora_dropout", "r", "target_modules", "use_dora", "use_rslora"
}  # fmt: skip
"""What every adapter's configuration says."""
UNFIT = (SafetensorError, RuntimeError, ValueError, KeyError, TypeError, AttributeError)
"""What PEFT raises of an adapter that is damaged, or another base model's."""
ADAPTER = "default"
"""PEFT's name for the adapter that is trained; TRL calls its frozen copy ``ref``."""


def policy_arguments(base: Any, start: Path | None, *, lora: LoraConfig, seed: int) -> dict[str, Any]:
    """Return the trainer's arguments for the adapter in ``start`` on ``base``, or for a fresh one.

    TRL adds it, except for PiSSA, which subtracts the adapter's initial weights from the base model's. TRL would use
    the reduced base as the reference, and subtract as much again for its copy of the adapter, so it is given the
    finished policy, which it copies weight by weight.

    Raises:
        MealignError: see :func:`load_adapter` and :func:`peft_config`.
    """
    if start is not None:
        return {"model": load_adapter(base, start, lora=lora), "peft_config": None}
    config = peft_config(base, lora)
    if lora.variant is not LoraVariant.pissa:
        return {"model": base, "peft_config": config}
    config.init_lora_weights = f"pissa_niter_{PISSA_ITERATIONS}"
    torch.manual_seed(seed)
    model = get_peft_model(base, config)
    model.peft_config[ADAPTER].init_lora_weights = True
    weights = get_peft_model_state_dict(model, save_embedding_layers=False)
    model.taken_out = {name: weight.clone() for name, weight in weights.items()}
    return {"model": model, "peft_config": None}


def peft_config(base: Any, lora: LoraConfig) -> Any:
    """Build PEFT's configuration of a fresh adapter on ``base``; :func:`policy_arguments` initialises PiSSA.

    Raises:
        MealignError: a target matches no layer of the base model.
    """
    layers = {name.rpartition(".")[2] for name, _ in base.named_modules()}
    if unknown := [target for target in lora.targets if target not in layers]:
        raise MealignError(f"lora.targets: the base model has no layers named {', '.join(unknown)}; correct the names")
    alpha = lora.alpha_ratio * lora.rank
    return PeftLoraConfig(
        r=lora.rank,
        lora_alpha=int(alpha) if alpha.is_integer() else alpha,
        lora_dropout=lora.dropout,
        target_modules=list(lora.targets),
        use_rslora=lora.variant is LoraVariant.rslora,
        use_dora=lora.variant is LoraVariant.dora,
        task_type="CAUSAL_LM",
    )


def read_config(folder: Path) -> dict[str, Any]:
    """Read the configuration of a saved adapter.

    Raises:
        MealignError: it is missing or damaged.
    """
    found = read_object(folder / CONFIG_FILE)
    if not found.keys() >= CONFIGURED or not isinstance(found["target_modules"], list):
        raise MealignError(f"{folder / CONFIG_FILE}: it is no whole configuration of an adapter; {AGAIN}")
    return found


def load_adapter(base: Any, folder: Path, *, lora: LoraConfig) -> Any:
    """Add a saved adapter to its base model, for further training.

    Raises:
        MealignError: the folder holds no adapter, or one of another configuration or for another base model.
    """
    if not ((folder / CONFIG_FILE).is_file() and (folder / WEIGHTS_FILE).is_file()):
        # PEFT would look for such a name on the model hub.
        raise MealignError(f"{folder}: there is no adapter in this folder; train it first (stage=sft)")
    _check_configuration(folder, peft_config(base, lora), times=2 if lora.variant is LoraVariant.pissa else 1)
    try:
        # PEFT only warns about missing weights; they are compared below.
        with quiet_transformers():
            policy = PeftModel.from_pretrained(base, folder, is_trainable=True)
        with safe_open(folder / WEIGHTS_FILE, framework="pt") as saved:
            names = set(saved.keys())
    except UNFIT as error:
        raise _misfit(folder, base) from error
    if names != set(get_peft_model_state_dict(policy, save_embedding_layers=False)):
        raise _misfit(folder, base)
    return policy


def save_adapter(policy: Any, output: Path, *, base: str, scratch: Path) -> None:
    """Save the trained adapter, and nothing else, as a PEFT folder that is moved into place in one step.

    One that was subtracted from the base model's weights (PiSSA) is saved as its difference from its initial weights,
    an adapter of twice the rank, so that it fits the unchanged base model.

    Args:
        policy: a PeftModel; its adapter :data:`ADAPTER` is saved.
        output: the folder; an older one is replaced.
        base: name of the base model, recorded instead of its path on this machine.
        scratch: an existing folder on the same file system.
    """
    made = scratch / "adapter"
    # By default PEFT looks the base model up on the model hub to find out about embeddings.
    policy.save_pretrained(made, selected_adapters=[ADAPTER], save_embedding_layers=False)
    (made / "README.md").unlink()
    config = json.loads((made / CONFIG_FILE).read_text(encoding="utf-8"))
    if taken_out := getattr(policy, "taken_out", None):
        _onto_the_whole_base(made / WEIGHTS_FILE, taken_out)
        config |= {"r": 2 * config["r"], "lora_alpha": 2 * config["lora_alpha"]}
    config["base_model_name_or_path"] = base
    # PEFT writes a set, whose order differs between processes.
    config["target_modules"] = sorted(config["target_modules"])
    (made / CONFIG_FILE).write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    if output.exists():
        output.rename(scratch / "replaced")
    made.rename(output)


def _onto_the_whole_base(file: Path, taken_out: Mapping[str, torch.Tensor]) -> None:
    """B A - B0 A0 = [B, -B0] [A; A0] (arXiv 2404.02948, app. C)."""
    weights = load_file(file)
    for name, weight in weights.items():
        first = taken_out[name].to(weight.device)
        weights[name] = torch.cat([weight, first]) if "lora_A" in name else torch.cat([weight, -first], dim=1)
    save_file(weights, file, metadata={"format": "pt"})


def _check_configuration(folder: Path, expected: Any, *, times: int) -> None:
    found = read_config(folder)
    for key, field, wanted in (
        ("lora.variant", "use_dora", expected.use_dora),
        ("lora.variant", "use_rslora", expected.use_rslora),
        ("lora.rank", "r", times * expected.r),
        ("lora.alpha_ratio", "lora_alpha", times * expected.lora_alpha),
        ("lora.targets", "target_modules", sorted(expected.target_modules)),
    ):
        if found[field] != wanted:
            raise MealignError(
                f"{folder}: its adapter has {field}={found[field]}, and {key} asks for {wanted}; train it again with "
                f"this setting (stage=sft), or set {key} to what it was trained with"
            )


def _misfit(folder: Path, base: Any) -> MealignError:
    shape = f"{base.config.num_hidden_layers} layers of width {base.config.hidden_size}"
    return MealignError(
        f"{folder}: this adapter is damaged, or was made for another base model than the one configured ({shape}); "
        "train it again with this model (stage=sft)"
    )
