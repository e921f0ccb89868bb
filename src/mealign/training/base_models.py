"""The base model of a run and its tokenizer, as training needs them."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

from mealign.errors import MealignError
from mealign.language.precision import dtype_of
from mealign.language.settings import Precision
from mealign.language.weights import loading
from mealign.training.settings import Attention, LoraVariant


def load_tokenizer(model: Path) -> Any:
    """Load the tokenizer of a base model.

    Raises:
        MealignError: it cannot be loaded, has no chat template, or one without a generation header.
    """
    with loading(model):
        tokenizer = AutoTokenizer.from_pretrained(model, trust_remote_code=False)
    if not tokenizer.chat_template:
        raise MealignError(f"{model.name}: its tokenizer has no chat template; choose an instruction-tuned model")
    asked = [{"role": "user", "content": "a"}]
    with_header, without = (
        tokenizer.apply_chat_template(asked, add_generation_prompt=header, tokenize=False) for header in (True, False)
    )
    if with_header == without:
        raise MealignError(
            f"{model.name}: its chat template has no generation header, so nothing says where an answer begins; add "
            "what follows `add_generation_prompt` to its chat_template, or choose another model"
        )
    return tokenizer


def load_base(
    model: Path, *, precision: Precision, variant: LoraVariant = LoraVariant.lora, attention: Attention = Attention.sdpa
) -> Any:
    """Load a base model for training.

    An adapter added to it stays in fp32; on a base model in four bits (``qlora``) TRL converts it to bf16.

    Raises:
        MealignError: FlexAttention is requested without an accelerator, where it has no gradient, or four bits
            without bitsandbytes installed.
    """
    quantized = None
    if variant is LoraVariant.qlora:
        if find_spec("bitsandbytes") is None:
            raise MealignError("lora.variant=qlora needs bitsandbytes; pip install 'mealign[gpu]', or choose lora")
        quantized = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=dtype_of(precision),
        )
    if attention is Attention.flex_attention and not torch.cuda.is_available():
        raise MealignError(
            "training.dpo.attention=flex_attention needs an accelerator, and there is none here; set it to sdpa"
        )
    with loading(model):
        return AutoModelForCausalLM.from_pretrained(
            model,
            dtype=dtype_of(precision),
            attn_implementation=attention.value,
            quantization_config=quantized,
            trust_remote_code=False,
        )
