"""What ``--help`` says, without composing anything, so that it answers at once."""

from __future__ import annotations

from collections.abc import Sequence

from mealign.compose import group_choices
from mealign.plugins import names_in

FLAGS = frozenset({"--help", "-h"})

TEXT = """\
mealign: from one person's notes to a LoRA adapter that knows them, with the evidence for what made it better.

  python -m mealign [KEY=VALUE ...]          run the stages whose results are not there yet
  python -m mealign -m KEY=A,B [KEY=VALUE]   run every combination, under one MLflow run

stage=NAME, or stage=[NAME,NAME]; all by default:
  {stages}
stage=NAME alone, for what is not a stage:
  {commands}

Groups of settings, each a folder of conf/:
{groups}

Single settings are written with dots: lora.rank=8 training.sft.epochs=2
  python -m mealign --cfg job      every setting and its value
  python -m mealign --hydra-help   the flags of Hydra, which composes them
"""


def is_asked(arguments: Sequence[str]) -> bool:
    """Whether a command line asks for help."""
    return any(argument in FLAGS for argument in arguments)


def usage() -> str:
    """Return the text: stages, commands and groups, those of plug-ins among them.

    Raises:
        ConfigError: a plug-in folder does not exist.
    """
    groups = (f"  {group}: {', '.join(names)}" for group, names in group_choices().items())
    return TEXT.format(
        stages=", ".join(names_in("mealign.stages")),
        commands=", ".join(names_in("mealign.commands")),
        groups="\n".join(groups),
    )
