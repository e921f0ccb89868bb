"""The vendors of language models, one module or package each: its address, how its models write and decide."""

from mealign.plugins import extended

__path__ = extended(__path__, "vendors")
