"""A small Llama with a small vocabulary, and an adapter on the tiny model with the real one."""

from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.trainers import BpeTrainer
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from mealign.language.settings import Precision
from mealign.training.sft import train_sft
from tests.defaults import LoraConfig, SftConfig
from tests.training import conftest as training
from tests.training.conftest import REFERENCES, make_task


def train_adapter(model: Path, output: Path, *, steps: int, learning_rate: float = 1e-2) -> Path:
    train_sft(
        [make_task(number, reference) for number, reference in enumerate(REFERENCES)],
        model=model, output=output, lora=LoraConfig(rank=8), max_length=128, seed=1, precision=Precision.fp32,
        settings=SftConfig(max_steps=steps, learning_rate=learning_rate, batch_size=4, warmup_ratio=0.0),
    )  # fmt: skip
    return output


@pytest.fixture(scope="session")
def adapter(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_adapter(tiny_model, tmp_path_factory.mktemp("trained") / "sft", steps=2)


@pytest.fixture(scope="session")
def tokenizer() -> Any:
    """Byte-level BPE of a few hundred tokens: transformers reads a GGUF file's vocabulary at 20,000 tokens a second."""
    words = Tokenizer(BPE())
    words.pre_tokenizer, words.decoder = ByteLevel(add_prefix_space=False), ByteLevelDecoder()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    lines = Path(training.__file__).read_text(encoding="utf-8").splitlines()
    trainer = BpeTrainer(
        vocab_size=500, special_tokens=special, initial_alphabet=ByteLevel.alphabet(), show_progress=False
    )
    words.train_from_iterator(lines, trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=words, unk_token=special[0], bos_token=special[1], eos_token=special[2], pad_token=special[2]
    )
    fast.chat_template = (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    return fast


@pytest.fixture(scope="session")
def small(tokenizer: Any) -> Any:
    """A Llama with grouped queries, shared embeddings and rows of the embedding that no token has."""
    torch.manual_seed(3)
    shape = LlamaConfig(
        vocab_size=len(tokenizer) + 8, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, head_dim=32, max_position_embeddings=512, rope_theta=5e4, tie_word_embeddings=True,
        initializer_range=0.3, rms_norm_eps=1e-5, bos_token_id=1, eos_token_id=2, pad_token_id=None,
    )  # fmt: skip
    model = LlamaForCausalLM(shape).float().eval()
    for norm in (layer.input_layernorm for layer in model.model.layers):
        torch.nn.init.uniform_(norm.weight, 0.5, 1.5)
    return model
