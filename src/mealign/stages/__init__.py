"""The stages, one file each: what it depends on, reads and writes, how it runs, what it reports."""

from mealign.plugins import extended

__path__ = extended(__path__, "stages")
