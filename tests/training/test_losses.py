"""Every loss by hand, on numbers that can be followed, and what holds of it for all numbers."""

import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import invalidate_caches
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mealign import plugins
from mealign.compose import compose_settings
from mealign.errors import ConfigError
from mealign.language.settings import Precision
from mealign.pipeline.registry import check
from mealign.records import Preference
from mealign.training import losses
from mealign.training.dpo import pair_loss, train_dpo
from mealign.training.losses import PairScores, hinge, imitation, ipo, robust, settings_of, sigmoid
from tests.conftest import ROOT
from tests.defaults import DpoConfig, LoraConfig
from tests.training.conftest import MAX_LENGTH

LOG_2 = math.log(2)
RATIOS = st.floats(-20, 20)
BETAS = st.floats(0.01, 2)
SHARES = st.floats(0, 0.45)


def scores(
    chosen: float, rejected: float, *, tokens: tuple[int, int] = (1, 1), margin: float = 1.0, ref: float = -7.0
) -> PairScores:
    """One pair with these log-ratios of the policy to a reference that finds both answers equally likely."""
    values = (ref + chosen, ref + rejected, ref, ref, *tokens, margin)
    return PairScores(*(torch.tensor([value], dtype=torch.float64) for value in values))


def test_dpo_by_hand() -> None:
    """Rewards 0.5 * 3 and 0.5 * 1 differ by 1: log(1 + exp(-1)) = log(1.367879) = 0.313262."""
    found = sigmoid.loss(scores(3, 1), beta=0.5, offset=0.0)
    assert found.shape == (1,)
    assert found.item() == pytest.approx(0.313262, abs=1e-6)


def test_odpo_by_hand() -> None:
    """With a margin of exp(-0.5) and alpha 2 the gap is -1, and 1 + 1 is left: log(1 + exp(-2)) = 0.126928."""
    found = sigmoid.loss(scores(3, 1, margin=math.exp(-0.5)), beta=0.5, offset=2.0)
    assert found.item() == pytest.approx(0.126928, abs=1e-6)


def test_ipo_by_hand() -> None:
    """6 nats in 2 tokens are 3, 2 in 4 are 0.5; of 2.5 the goal 1 / (2 * 0.25) = 2 is exceeded by 0.5: 0.25."""
    assert ipo.loss(scores(6, 2, tokens=(2, 4)), beta=0.25).item() == pytest.approx(0.25, rel=1e-12)


@pytest.mark.parametrize(("chosen", "expected"), [(1.0, 1.0), (2.0, 0.5), (3.0, 0.0), (9.0, 0.0)])
def test_hinge_by_hand(chosen: float, expected: float) -> None:
    """Against a rejected answer at 1 nat, beta 0.5 makes rewards differ by 0, 0.5, 1 and 4; from 1 on it is enough."""
    assert hinge.loss(scores(chosen, 1), beta=0.5).item() == pytest.approx(expected, abs=1e-12)


def test_robust_dpo_by_hand() -> None:
    """Rewards differ by log 3: L is log(4/3) as given, and log 4 the other way round.

    With a share of 1/4: (3/4 log(4/3) - 1/4 log 4) / (1/2) = log 4 - 3/2 log 3 = -0.261624.
    """
    found = robust.loss(scores(math.log(3), 0), beta=1.0, label_smoothing=0.25)
    assert found.item() == pytest.approx(-0.261624, abs=1e-6)


def test_imitation_by_hand() -> None:
    """8 nats in 4 tokens are 2 nats a token, whichever answer they stand in."""
    assert imitation(torch.tensor([-3.0, -5.0]), torch.tensor(4)).item() == 2.0


@given(beta=BETAS, share=SHARES, margin=st.floats(0.01, 1))
def test_while_the_policy_is_the_reference_a_loss_is_known(beta: float, share: float, margin: float) -> None:
    pairs = scores(0, 0, tokens=(3, 5), margin=margin)
    assert sigmoid.loss(pairs, beta=beta, offset=0.0).item() == pytest.approx(LOG_2, rel=1e-12)
    assert robust.loss(pairs, beta=beta, label_smoothing=share).item() == pytest.approx(LOG_2, rel=1e-12)
    assert hinge.loss(pairs, beta=beta).item() == 1.0
    assert ipo.loss(pairs, beta=beta).item() == pytest.approx(1 / (4 * beta**2), rel=1e-12)


@given(chosen=RATIOS, rejected=RATIOS, more=st.floats(0.01, 5), beta=BETAS, share=SHARES, offset=st.floats(0, 3))
def test_a_likelier_chosen_answer_costs_no_more(
    chosen: float, rejected: float, more: float, beta: float, share: float, offset: float
) -> None:
    before, after = (scores(ratio, rejected, margin=0.3) for ratio in (chosen, chosen + more))
    for loss in (
        lambda pairs: sigmoid.loss(pairs, beta=beta, offset=offset),
        lambda pairs: hinge.loss(pairs, beta=beta),
        lambda pairs: robust.loss(pairs, beta=beta, label_smoothing=share),
    ):
        assert loss(after) <= loss(before)


@given(distance=st.floats(0, 20), beta=BETAS, tokens=st.tuples(st.integers(1, 9), st.integers(1, 9)))
def test_ipo_is_least_at_its_goal_and_alike_on_both_sides(
    distance: float, beta: float, tokens: tuple[int, int]
) -> None:
    at, below, above = (
        ipo.loss(scores(tokens[0] * (1 / (2 * beta) + away), 0, tokens=tokens), beta=beta).item()
        for away in (0, -distance, distance)
    )
    assert at == pytest.approx(0, abs=1e-12)
    assert below == pytest.approx(distance**2, abs=1e-9)
    assert above == pytest.approx(distance**2, abs=1e-9)


@given(chosen=RATIOS, rejected=RATIOS, beta=BETAS, share=SHARES)
def test_in_the_mean_over_flipped_pairs_robust_dpo_is_dpo(
    chosen: float, rejected: float, beta: float, share: float
) -> None:
    right, flipped = (
        robust.loss(pairs, beta=beta, label_smoothing=share)
        for pairs in (scores(chosen, rejected), scores(rejected, chosen))
    )
    expected = sigmoid.loss(scores(chosen, rejected), beta=beta, offset=0.0)
    torch.testing.assert_close((1 - share) * right + share * flipped, expected, rtol=1e-9, atol=1e-9)


@given(margins=st.tuples(st.floats(0.01, 1), st.floats(0.01, 1)), offset=st.floats(0, 5))
def test_a_less_clear_pair_asks_for_less(margins: tuple[float, float], offset: float) -> None:
    less, more = (sigmoid.loss(scores(1, 0, margin=margin), beta=0.1, offset=offset) for margin in sorted(margins))
    assert less <= more


def test_a_loss_says_which_settings_it_uses() -> None:
    assert losses.names() == ["hinge", "ipo", "robust", "sigmoid"]
    used = {name: sorted(settings_of(name)) for name in losses.names()}
    assert used == {
        "hinge": ["beta"], "ipo": ["beta"], "robust": ["beta", "label_smoothing"], "sigmoid": ["beta", "offset"],
    }  # fmt: skip
    robustly = pair_loss(DpoConfig(loss="robust", label_smoothing=0.25, beta=1.0))
    assert robustly(scores(math.log(3), 0)).item() == pytest.approx(-0.261624, abs=1e-6)


def test_settings_are_checked_without_torch() -> None:
    script = """
import sys
from mealign.compose import compose_settings
from mealign.settings import problems
print([*problems(compose_settings("training.dpo.loss=oracle"))], "torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert "there is no such loss; use one of hinge, ipo, robust, sigmoid" in done.stdout
    assert done.stdout.endswith("False\n")


Write = Callable[[str], None]

MINE = """
from torch import Tensor
from mealign.training.losses import PairScores

def loss(pairs: PairScores, *, beta: float, offset: float, sharpness: float = {sharpness}) -> Tensor:
    ahead = beta * (pairs.chosen_logratios - pairs.rejected_logratios) + offset * pairs.margins
    return (-sharpness * ahead).exp()
"""


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Write the loss ``mine`` into a plug-in folder, of which the package knows."""
    (tmp_path / "plugins/losses").mkdir(parents=True)
    monkeypatch.setenv(plugins.VARIABLE, str(tmp_path / "plugins"))
    monkeypatch.setattr(losses, "__path__", plugins.extended(losses.__path__, "losses"))

    def written(text: str) -> None:
        (tmp_path / "plugins/losses/mine.py").write_text(text)
        forget()

    def forget() -> None:
        sys.modules.pop(f"{losses.__name__}.mine", None)
        invalidate_caches()

    yield written
    forget()


def test_a_plug_in_adds_a_loss(write: Write, pairs: list[Preference], tiny_model: Path, tmp_path: Path) -> None:
    kept, keys, first = tmp_path / "checkpoints", set(), []
    for sharpness in (1, 2):
        write(MINE.format(sharpness=sharpness))
        settings = DpoConfig(loss="mine", offset=0.5, batch_size=4, max_steps=1, sft_weight=0.0)
        check(compose_settings("training.dpo.loss=mine", "training.dpo.offset=0.5"))
        result = train_dpo(
            pairs, model=tiny_model, sft_adapter=None, output=tmp_path / "dpo", lora=LoraConfig(rank=4),
            settings=settings, max_length=MAX_LENGTH, seed=1, precision=Precision.fp32, checkpoints=kept,
            on_log=lambda step, point: keys.update(path.stem for path in kept.iterdir()),
        )  # fmt: skip
        first.append(result.history[0]["loss"])
    # At the first step rewards are 0, and what is left is the offset times the pairs' margin of 0.5.
    assert first == pytest.approx([math.exp(-0.25), math.exp(-0.5)], rel=1e-5)
    assert len(keys) == 2, "a run under another loss is another run"


def test_a_plug_in_is_checked_before_anything_runs(write: Write) -> None:
    write("import torch\n\ndef loss(pairs, *, beta):\n    return pairs.margins\n")
    check(compose_settings("training.dpo.loss=mine"))
    assert f"{losses.__name__}.mine" not in sys.modules
    with pytest.raises(ConfigError, match=r"offset=1.0 with training\.dpo\.loss=mine: .* for the sigmoid loss"):
        check(compose_settings("training.dpo.loss=mine", "training.dpo.offset=1"))
    for text, message in (
        ("def loss(pairs, *, beta) -> Tensor\n", r"mine\.py:1: expected ':'; correct this loss"),
        ("def losses(pairs):\n    return 0\n", r"mine\.py: it defines no function `loss`"),
        ("def loss(pairs, *, tau):\n    return 0\n", r"mine\.py:1: .* any of beta, label_smoothing, offset; give"),
        ("def loss(pairs, beta):\n    return 0\n", r"mine\.py:1: `loss` takes `pairs` and, behind a `\*`"),
    ):
        write(text)
        with pytest.raises(ConfigError, match=message):
            check(compose_settings("training.dpo.loss=mine"))
