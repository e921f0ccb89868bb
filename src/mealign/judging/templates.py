"""Prompt templates: text files that say what a judge is shown, what it is asked, and how it may answer.

A template is a Markdown file with YAML front matter. The text is what the model reads; ``{person}``, ``{question}``,
``{first}``, ``{second}``, ``{bio}``, ``{reference}`` and ``{evidence}`` are placeholders. The front matter::

    asks: better            # an option is the better answer; worse: the loser; scores: a grade for one answer
    options:                # better, worse: first and second; scores: the grades, whole numbers in ascending order
      first: the first answer is better
      second: the second answer is better
    questions:              # by kind of task (all: every kind that has none of its own), by dimension
      all: {verdict: "Which answer is better?"}
    answers: {first: the first answer, second: the second answer}   # scores: what {answer} is in a question
    reasoning: ...          # optional: what is to be thought about before deciding
    preamble: {context_critic: "About {person}: {bio}"}             # optional: shown first, by kind of task
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from mealign.errors import ConfigError
from mealign.language.decisions import Choice, Inquiry
from mealign.language.egress import Personal
from mealign.language.prices import tokens_in
from mealign.records import TASK_KINDS, TaskKind, content_id

SHOWN = frozenset({"bio", "reference", "evidence"})
REQUIRED = frozenset({"question", "first", "second"})
FIELDS = SHOWN | REQUIRED | {"person"}
SIDES = ("first", "second")

Text = Annotated[str, Field(min_length=1)]


class FrontMatter(BaseModel):
    """What a template's front matter may say."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    asks: Literal["better", "worse", "scores"]
    options: Annotated[dict[str, Text], Field(min_length=2)]
    questions: dict[TaskKind | Literal["all"], Annotated[dict[str, Text], Field(min_length=1)]]
    answers: dict[Literal["first", "second"], Text] = {}
    reasoning: Text | None = None
    preamble: dict[TaskKind, Text] = {}

    @model_validator(mode="before")
    @classmethod
    def _names_are_text(cls, values: Any) -> Any:
        # YAML reads a grade as a number.
        if isinstance(values, dict) and isinstance(values.get("options"), dict):
            return {**values, "options": {str(name): meaning for name, meaning in values["options"].items()}}
        return values

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if "all" not in self.questions and (missing := sorted(set(TASK_KINDS) - set(self.questions))):
            raise ValueError(f"questions: {missing[0]} has none, and there is no `all`")
        asked = [text for questions in self.questions.values() for text in questions.values()]
        if self.asks == "scores":
            if any(not name.isdecimal() for name in self.options) or len(set(map(int, self.options))) < 2:
                raise ValueError("options: grades are whole numbers, for example 1 to 5")
            if set(self.answers) != set(SIDES):
                raise ValueError("answers: asks=scores needs a wording of first and second")
            if any(fields_of(text) != {"answer"} for text in asked):
                raise ValueError("questions: asks=scores needs {answer}, and nothing else, in every question")
        else:
            if set(self.options) != set(SIDES):
                raise ValueError("options: they must be first and second")
            if self.answers:
                raise ValueError("answers: only asks=scores reads them")
            if any(fields_of(text) for text in asked):
                raise ValueError("questions: no placeholder belongs here; what is shown stands in the text")
        return self


@dataclass(frozen=True)
class Template:
    """A prompt template; ``digest`` is the hash of its file."""

    name: str
    text: str
    digest: str
    matter: FrontMatter
    body: str

    @property
    def shows(self) -> frozenset[str]:
        """Which of ``bio``, ``reference`` and ``evidence`` it shows, for at least one kind of task."""
        return SHOWN & fields_of("".join([self.body, *self.matter.preamble.values()]))

    def inquiry(self, kind: TaskKind, values: Mapping[str, str], *, facts: tuple[str, ...] = ()) -> Inquiry:
        """Fill in the placeholders.

        Args:
            kind: of the task.
            values: a text for each placeholder, already quoted. All of them are the user's, or made of what is theirs.
            facts: ids of the facts that the values show or were made from.
        """
        parts = [self.matter.preamble[kind]] if kind in self.matter.preamble else []
        text = "\n".join((*parts, self.body))
        state = text.format_map(values)
        own = len(state.encode("utf-8", "replace")) - len(text.format_map(dict.fromkeys(values, "")).encode())
        questions = {name: Choice(text, self.matter.options) for name, text in sorted(self._questions(kind).items())}
        personal = Personal(facts=facts, tokens=tokens_in(own))
        return Inquiry(state=state, questions=questions, reasoning=self.matter.reasoning, personal=personal)

    def read(self, probabilities: Mapping[str, Mapping[str, float]]) -> tuple[float, dict[str, float]]:
        """Turn a model's probabilities into P(first is better) and its components.

        ``better``, ``worse``: mean over the questions of P(first), or 1 - P(first) for ``worse``; each is a dimension.
        ``scores``: expected grades, one per question and answer, and P(first) = 1 / (1 + exp(-(a - b))) of their means
        a and b: the Bradley-Terry model (Biometrika 39, 1952) with a grade as the unit of log strength.
        """
        if self.matter.asks != "scores":
            worse = self.matter.asks == "worse"
            parts = {name: options["second"] if worse else options["first"] for name, options in probabilities.items()}
            return _mean(parts.values()), parts if len(parts) > 1 else {}
        grades = {name: sum(int(grade) * p for grade, p in options.items()) for name, options in probabilities.items()}
        first, second = (
            _mean(grade for name, grade in grades.items() if name.startswith(f"{side}_")) for side in SIDES
        )
        return 1.0 / (1.0 + math.exp(second - first)), {name: round(grade, 6) for name, grade in grades.items()}

    def _questions(self, kind: TaskKind) -> dict[str, str]:
        asked = self.matter.questions.get(kind) or self.matter.questions["all"]
        if self.matter.asks != "scores":
            return asked
        return {
            f"{side}_{name}": text.format(answer=self.matter.answers[side])  # type: ignore[index]
            for side in SIDES
            for name, text in asked.items()
        }


def load_template(path: Path) -> Template:
    """Read and check a template file.

    Raises:
        ConfigError: it cannot be read, its front matter is not what is described above, or a placeholder is unknown
            or missing.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"judge.template: {path} cannot be read ({type(error).__name__})") from error
    return parse_template(text, name=path.stem, source=str(path))


def parse_template(text: str, *, name: str, source: str) -> Template:
    """Check a template's text; ``source`` is what an error calls it.

    Raises:
        ConfigError: as :func:`load_template`.
    """
    opening, separator, rest = text.replace("\r\n", "\n").partition("---\n")
    head, closing, body = rest.partition("\n---\n")
    if opening.strip() or not separator or not closing:
        raise ConfigError(f"{source}: it must begin with front matter between two lines `---`")
    try:
        matter = FrontMatter.model_validate(yaml.safe_load(head))
        shown = [body.strip(), *matter.preamble.values()]
        used = [fields_of(part) for part in shown]
    except (yaml.YAMLError, ValidationError, ValueError) as error:
        raise ConfigError(f"{source}: {_reason(error)}") from error
    if unknown := sorted(frozenset().union(*used) - FIELDS):
        raise ConfigError(f"{source}: {{{unknown[0]}}} is no placeholder; use one of {', '.join(sorted(FIELDS))}")
    if missing := sorted(REQUIRED - used[0]):
        raise ConfigError(f"{source}: the text lacks {{{missing[0]}}}; a judge must be shown it")
    return Template(name, text, content_id("template", text), matter, body.strip())


def fields_of(text: str) -> frozenset[str]:
    """Return the placeholders of a text.

    Raises:
        ValueError: a brace is not closed, or a placeholder is more than a name.
    """
    found = set()
    for _, name, form, conversion in Formatter().parse(text):
        if name is None:
            continue
        if not name.isidentifier() or form or conversion:
            raise ValueError(f"{{{name}}}: a placeholder is a bare name; write a brace that is none twice")
        found.add(name)
    return frozenset(found)


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return f"{where}: {first['msg']}" if where else str(first["msg"])
    return " ".join(str(error).split())


def _mean(values: Iterable[float]) -> float:
    numbers = list(values)
    return sum(numbers) / len(numbers)
