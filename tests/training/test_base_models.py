"""Tokenizers that cannot be trained with are refused."""

from pathlib import Path
from typing import Any

import pytest

from mealign.errors import MealignError
from mealign.training.base_models import load_tokenizer


def test_a_tokenizer_without_a_template_is_refused(tokenizer: Any, tmp_path: Path) -> None:
    tokenizer.save_pretrained(tmp_path / "raw")
    (tmp_path / "raw/chat_template.jinja").unlink()
    with pytest.raises(MealignError, match="raw: its tokenizer has no chat template"):
        load_tokenizer(tmp_path / "raw")


def test_a_template_without_generation_header_is_refused(tiny_model: Path, tmp_path: Path, tokenizer: Any) -> None:
    tokenizer.save_pretrained(tmp_path / "model")
    template = tmp_path / "model/chat_template.jinja"
    assert "add_generation_prompt" in template.read_text()
    template.write_text("{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}")
    with pytest.raises(MealignError, match="model: its chat template has no generation header"):
        load_tokenizer(tmp_path / "model")
