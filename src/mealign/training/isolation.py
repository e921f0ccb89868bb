"""Keeps training from affecting the process around it: no output, no telemetry, no changed random state."""

from __future__ import annotations

import logging
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager

import datasets
import huggingface_hub.constants
import numpy as np
import torch

from mealign.language.weights import quiet_transformers


@contextmanager
def quiet_training() -> Iterator[None]:
    """Hide the libraries' progress bars, advice and warnings during the block, and keep TRL from reporting its use."""
    trl = logging.getLogger("trl")
    level, shown = trl.level, datasets.is_progress_bar_enabled()
    tqdm, telemetry = os.environ.get("TQDM_DISABLE"), huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY
    trl.setLevel(logging.ERROR)
    datasets.disable_progress_bars()
    # TRL reads from the environment whether to show the bar of its pass over the reference.
    os.environ["TQDM_DISABLE"] = "1"
    # A TRL trainer sends library versions and hardware to the model hub when it is built; nothing leaves this machine.
    huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY = True
    try:
        with quiet_transformers():
            yield
    finally:
        huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY = telemetry
        if tqdm is None:
            del os.environ["TQDM_DISABLE"]
        else:
            os.environ["TQDM_DISABLE"] = tqdm
        if shown:
            datasets.enable_progress_bars()
        trl.setLevel(level)


@contextmanager
def own_random_state() -> Iterator[None]:
    """Restore the global random generators, which trainers seed."""
    python, numpy = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng():
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
