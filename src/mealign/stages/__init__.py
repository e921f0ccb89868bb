"""The stages, one file each: dependencies, inputs and outputs, the work, and the report."""

from mealign.plugins import extended

__path__ = extended(__path__, "stages")
