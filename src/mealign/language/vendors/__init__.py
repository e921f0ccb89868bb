"""The vendors of language models, one module or package each: where it answers, how it writes and decides."""

from mealign.plugins import extended

__path__ = extended(__path__, "vendors")
