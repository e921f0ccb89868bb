"""The commands, which can be requested instead of stages, one file each."""

from mealign.plugins import extended

__path__ = extended(__path__, "commands")
