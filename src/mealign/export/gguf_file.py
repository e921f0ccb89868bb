"""Writes a Llama as one GGUF file, with the names, the row order and the metadata that llama.cpp expects.

The format: github.com/ggml-org/ggml, docs/gguf.md. Names and row order: llama.cpp, convert_hf_to_gguf.py,
``LlamaModel``.
"""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoModelForCausalLM, AutoTokenizer

from mealign.errors import MealignError
from mealign.export.settings import Quantization
from mealign.language.weights import quiet_transformers

ARCHITECTURE = "llama"
FILE_TYPES = {
    Quantization.f16: gguf.LlamaFileType.MOSTLY_F16,
    Quantization.q8_0: gguf.LlamaFileType.MOSTLY_Q8_0,
}
BLOCK = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType.Q8_0][0]
"""Weights of a row that share one scale in Q8_0."""
LARGEST_F16 = float(np.finfo(np.float16).max)

PRE_TOKENIZERS: Mapping[str, str] = {"ByteLevel": "gpt-2", "Digits ByteLevel": "smollm"}
"""How a tokenizer splits text before it merges bytes, with llama.cpp's name for it."""

KEPT = (
    "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim",
    "max_position_embeddings", "vocab_size", "tie_word_embeddings",
)  # fmt: skip
"""Settings of a Llama that a GGUF file has to preserve."""
PROBE = 64
"""Length in tokens of the sequence on which both models are compared."""
AGREEMENT = 5e-4
"""Largest difference between the logits of both models with the same weights, as a share of the largest logit.

For SmolLM2-135M, keys of one layer in the wrong order change them by at least 0.15, and norms with an epsilon of 1e-6
instead of 1e-5 by 1.6e-3. Usually both round the same way; in one of a dozen exports they differed by 1.1e-4.
"""


def write_gguf(model: Any, tokenizer: Any, path: Path, *, quantization: Quantization, name: str) -> None:
    """Write a model and its tokenizer as a GGUF file: matrices quantised, norms in fp32.

    With q8_0, a matrix whose row length is not a multiple of 32 stays in f16.

    Args:
        model: a ``LlamaForCausalLM`` in fp32 that :func:`check_supported` accepts.
        tokenizer: its fast tokenizer that merges bytes (byte-level BPE).
        path: the file to write.
        quantization: f16 or q8_0.
        name: the model's name in the file.

    Raises:
        MealignError: the number format cannot represent a weight, or llama.cpp's Llama has no such weight.
    """
    writer = gguf.GGUFWriter(path, ARCHITECTURE)
    try:
        _add_settings(writer, model.config, quantization=quantization, name=name)
        _add_tokenizer(writer, tokenizer, rows=model.config.vocab_size)
        for tensor_name, values in _tensors(model):
            kind = _type_of(values.shape, quantization)
            if kind is not gguf.GGMLQuantizationType.F32 and not np.abs(values).max() <= LARGEST_F16:
                raise MealignError(f"{tensor_name}: a weight is too large for {quantization.value}; export it merged")
            writer.add_tensor(tensor_name, gguf.quants.quantize(values, kind), raw_dtype=kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
    finally:
        writer.close()


def check_supported(settings: Any, tokenizer: Any) -> None:
    """Refuse what :func:`write_gguf` cannot write.

    Args:
        settings: the model's transformers configuration.
        tokenizer: its tokenizer.

    Raises:
        MealignError: it is not a plain Llama with byte-level BPE; the message says which part differs.
    """
    if settings.model_type != ARCHITECTURE:
        raise _unsupported(f"a model of the architecture {settings.model_type}")
    if (scaling := settings.rope_parameters["rope_type"]) != "default":
        raise _unsupported(f"a Llama whose rotary positions are scaled (rope_type={scaling})")
    if settings.attention_bias or settings.mlp_bias:
        raise _unsupported("a Llama whose linear layers have biases")
    if settings.hidden_act != "silu":
        raise _unsupported(f"a Llama with the activation {settings.hidden_act}")
    splits, kind = _pre_tokenizer(tokenizer), json.loads(tokenizer.backend_tokenizer.to_str())["model"]["type"]
    if kind != "BPE" or splits not in PRE_TOKENIZERS:
        raise _unsupported(f"a tokenizer of the kind {kind} over {splits or 'whole texts'}")
    if len(tokenizer) > settings.vocab_size:
        raise _unsupported(f"a tokenizer of {len(tokenizer)} tokens with {settings.vocab_size} embeddings")


def verify_gguf(path: Path, model: Any, tokenizer: Any, *, quantization: Quantization) -> None:
    """Load a GGUF file through transformers and compare it with what was written.

    Settings, vocabulary, merges, special tokens and chat template must be the same; every weight must be as close as
    its format allows; and the original, given the weights that were read, must compute the same logits as the loaded
    model, so that only the rounding of weights differs.

    Raises:
        MealignError: the file does not load, or differs; the message says where.
    """
    try:
        # The GGUF reader has its own progress bar, which no setting turns off.
        with quiet_transformers(), redirect_stderr(io.StringIO()):
            loaded = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32).eval()
            read = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    except (ValueError, KeyError, RuntimeError, OSError) as error:
        raise _differs(path, f"it does not load ({type(error).__name__})") from error
    for key in KEPT:
        if getattr(loaded.config, key) != getattr(model.config, key):
            raise _differs(path, f"{key} is {getattr(loaded.config, key)} and was {getattr(model.config, key)}")
    _compare_tokenizers(path, read, tokenizer)
    _compare_weights(path, loaded.state_dict(), model.state_dict(), quantization)
    tokens = (torch.arange(PROBE) * 7919 % len(tokenizer))[None]
    with torch.inference_mode():
        expected = torch.func.functional_call(model, dict(loaded.state_dict()), (tokens,), tie_weights=False).logits
        difference = (loaded(tokens).logits - expected).abs().max() / expected.abs().max()
    # Not `>`: comparisons with a logit that is not a number are false.
    if not difference <= AGREEMENT:
        raise _differs(path, f"its logits differ by {difference:.1e} of the largest with the same weights")


def weight_tolerance(values: torch.Tensor, quantization: Quantization) -> torch.Tensor:
    """Return how far weights may be from what was written, of the shape of ``values``.

    f16 has 11 bits of significand and steps of 2^-24 near zero. Q8_0 rounds to the nearest of 255 steps scaled to the
    largest weight of a block; the step size itself is rounded to f16.
    """
    kind = _type_of(values.shape, quantization)
    if kind is gguf.GGMLQuantizationType.F32:
        return torch.zeros_like(values)
    if kind is gguf.GGMLQuantizationType.F16:
        return values.abs() * 2**-11 + 2**-25
    largest = values.abs().reshape(*values.shape[:-1], -1, BLOCK).amax(-1).repeat_interleave(BLOCK, dim=-1)
    # Slightly more than the exact bound, since the steps are computed in fp32.
    return largest * (0.5 / 127 + 2**-11) * 1.0001 + 127 * 2**-25


def _add_settings(writer: Any, settings: Any, *, quantization: Quantization, name: str) -> None:
    writer.add_type("model")
    writer.add_name(name)
    writer.add_context_length(settings.max_position_embeddings)
    writer.add_embedding_length(settings.hidden_size)
    writer.add_block_count(settings.num_hidden_layers)
    writer.add_feed_forward_length(settings.intermediate_size)
    writer.add_head_count(settings.num_attention_heads)
    writer.add_head_count_kv(settings.num_key_value_heads)
    writer.add_rope_dimension_count(settings.head_dim)
    writer.add_rope_freq_base(settings.rope_parameters["rope_theta"])
    writer.add_layer_norm_rms_eps(settings.rms_norm_eps)
    writer.add_vocab_size(settings.vocab_size)
    if settings.head_dim * settings.num_attention_heads != settings.hidden_size:
        writer.add_key_length(settings.head_dim)
        writer.add_value_length(settings.head_dim)
    writer.add_file_type(FILE_TYPES[quantization])
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)


def _add_tokenizer(writer: Any, tokenizer: Any, *, rows: int) -> None:
    """Write the tokens, their types, and what gguf reads from tokenizer files: merges, special tokens, chat template.

    Byte-level BPE has no scores: the order of its merges gives their priority.
    """
    words = {number: word for word, number in tokenizer.get_vocab().items()}
    added = tokenizer.added_tokens_decoder
    kinds = []
    for number in range(rows):
        if number in added:
            kinds.append(gguf.TokenType.CONTROL if added[number].special else gguf.TokenType.USER_DEFINED)
        else:
            kinds.append(gguf.TokenType.NORMAL if number in words else gguf.TokenType.UNUSED)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(PRE_TOKENIZERS[_pre_tokenizer(tokenizer)])
    writer.add_token_list([words.get(number, f"[PAD{number}]") for number in range(rows)])
    writer.add_token_types(kinds)
    writer.add_add_space_prefix(False)
    with tempfile.TemporaryDirectory() as saved:
        tokenizer.save_pretrained(saved)
        special = gguf.SpecialVocab(saved, load_merges=True, n_vocab=rows)
    # gguf guesses from the post-processor whether a text begins with a special token; the tokenizer itself knows.
    special.add_special_token["bos"] = tokenizer("a")["input_ids"][0] == tokenizer.bos_token_id
    special.add_to_gguf(writer, quiet=True)


def _tensors(model: Any) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Yield every tensor under llama.cpp's name; shared embeddings once."""
    settings = model.config
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, settings.num_hidden_layers)
    shared = model.get_output_embeddings().weight is model.get_input_embeddings().weight
    for name, values in model.state_dict().items():
        if name == "lm_head.weight" and shared:
            continue
        found = names.get_name(name, try_suffixes=(".weight",))
        if found is None:
            raise _unsupported(f"a Llama with the weight {name}")
        tensor = values.numpy()
        if name.endswith("q_proj.weight"):
            tensor = _interleave(tensor, settings.num_attention_heads)
        elif name.endswith("k_proj.weight"):
            tensor = _interleave(tensor, settings.num_key_value_heads)
        yield found, np.ascontiguousarray(tensor)


def _interleave(rows: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """Order a head's rows for llama.cpp's rotation, which pairs neighbours; transformers pairs the two halves."""
    return rows.reshape(heads, 2, -1, rows.shape[1]).swapaxes(1, 2).reshape(rows.shape)


def _type_of(shape: tuple[int, ...], quantization: Quantization) -> Any:
    if len(shape) == 1:
        return gguf.GGMLQuantizationType.F32
    if quantization is Quantization.q8_0 and shape[-1] % BLOCK == 0:
        return gguf.GGMLQuantizationType.Q8_0
    return gguf.GGMLQuantizationType.F16


def _pre_tokenizer(tokenizer: Any) -> str:
    """Return the names of the steps before the merges; empty without steps, or if a step has unusual settings."""
    steps = json.loads(tokenizer.backend_tokenizer.to_str())["pre_tokenizer"] or {"type": ""}
    steps = steps.get("pretokenizers", [steps])
    for step in steps:
        usual = {"ByteLevel": ("use_regex", True), "Digits": ("individual_digits", True)}.get(step["type"])
        if (usual and step.get(usual[0], True) is not usual[1]) or step.get("add_prefix_space"):
            return ""
    return " ".join(step["type"] for step in steps)


def _merges(tokenizer: Any) -> list[list[str]]:
    merges: list[list[str]] = json.loads(tokenizer.backend_tokenizer.to_str())["model"]["merges"]
    return merges


def _compare_tokenizers(path: Path, read: Any, tokenizer: Any) -> None:
    if not tokenizer.get_vocab().items() <= read.get_vocab().items():
        raise _differs(path, "its vocabulary is another one")
    if _merges(read) != _merges(tokenizer):
        raise _differs(path, "its merges are other ones")
    for key in ("bos_token_id", "eos_token_id", "pad_token_id", "chat_template"):
        if getattr(read, key) != getattr(tokenizer, key):
            raise _differs(path, f"its {key} is another one")


def _compare_weights(
    path: Path, loaded: Mapping[str, Any], written: Mapping[str, Any], quantization: Quantization
) -> None:
    if loaded.keys() != written.keys():
        raise _differs(path, f"it has other weights ({', '.join(sorted(loaded.keys() ^ written.keys())[:3])})")
    for name, values in written.items():
        if loaded[name].shape != values.shape:
            raise _differs(path, f"{name} has the shape {tuple(loaded[name].shape)}")
        if not bool(((loaded[name] - values).abs() <= weight_tolerance(values, quantization)).all()):
            raise _differs(path, f"{name} is further from what was written than {quantization.value} explains")


def _differs(path: Path, reason: str) -> MealignError:
    return MealignError(
        f"{path.name}: loaded again it is not what was exported: {reason}; nothing was kept; use export.format=merged"
    )


def _unsupported(what: str) -> MealignError:
    return MealignError(
        f"export.format=gguf: {what} cannot be written as GGUF here, only a plain Llama with byte-level BPE can; "
        "use export.format=merged, then llama.cpp's convert_hf_to_gguf.py on that folder"
    )
