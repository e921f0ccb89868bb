"""Settings of a judge: what it is shown, what it is asked, who answers, and the budget."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from mealign.language.settings import (
    LOCAL,
    Destination,
    ServerConfig,
    goes_to,
    limited,
    named,
    no_choice,
    unreachable,
)
from mealign.language.vendor import DecisionApi, address_of, all_vendors, deciders, vendor_named
from mealign.settings import INFINITE, free_text, name_problem, name_setting, optional, path_at, section, setting

TEMPLATES = Path(__file__).resolve().parent / "templates"

EVIDENCE, PANEL = "evidence", "panel"
"""The backends of a judge that follows rules, and of several judges together."""
OFFLINE = (EVIDENCE, LOCAL, PANEL)
"""Backends that use no server; any other backend is a vendor's name."""


class JudgeView(StrEnum):
    """What a judge is shown beside the question and the two answers.

    ``retrieval`` shows the statements found for the question, ``graph`` also their times, what replaced them and their
    neighbours; ``evidence`` is the whole memory, which only rules can use.
    """

    nothing = "nothing"
    bio = "bio"
    reference = "reference"
    retrieval = "retrieval"
    graph = "graph"
    evidence = "evidence"


SHOWN_BY: dict[JudgeView, frozenset[str]] = {
    JudgeView.nothing: frozenset(),
    JudgeView.bio: frozenset({"bio"}),
    JudgeView.reference: frozenset({"bio", "reference"}),
    JudgeView.retrieval: frozenset({"bio", "evidence"}),
    JudgeView.graph: frozenset({"bio", "evidence"}),
}
"""The placeholders of a template that a view can fill."""
MAINLY = {
    JudgeView.bio: "bio",
    JudgeView.reference: "reference",
    JudgeView.retrieval: "evidence",
    JudgeView.graph: "evidence",
}
"""The placeholder for which a view exists."""


class TournamentPlan(StrEnum):
    """Which of a task's candidates meet: all pairs, those of similar strength in rounds, or winners with winners."""

    all_pairs = "all_pairs"
    swiss = "swiss"
    knockout = "knockout"


def _is_path(template: str) -> bool:
    return template.endswith(".md")


@dataclass
class JudgeConfig:
    """A prompt variant: what the judge is shown, what it is asked, and who answers.

    ``template`` names a file under ``judging/templates/<language>/``, or is the path of the user's own (rules and
    panels have none). ``members`` are a panel's judges by name. ``max_usd`` and ``max_calls`` limit what all
    runs together may spend on asking this judge's server.
    """

    name: str = name_setting("the judge's name")
    backend: str = setting("who answers")
    view: JudgeView = setting("what the judge is shown")
    language: str = name_setting("the language of its template")
    top_k: int = setting("the number of facts that a judge is shown", 1, 100)
    plan: bool = setting("whether to show what asking would take, and ask nothing")
    tournament: TournamentPlan = setting("which of a task's candidates meet")
    known_pairs: int = setting("the number of known pairs of each kind", 0, 1000)
    max_pairs_per_task: int = setting("the number of comparisons a task", 1, 1000)
    max_tasks: int = setting("the number of tasks that are judged", 1, INFINITE)
    server: ServerConfig = section()
    template: str | None = free_text("the template's name, or the path of one", required=False, personal=_is_path)
    members: dict[str, JudgeConfig] = field(default_factory=dict)
    max_usd: float | None = optional("a budget in US dollars", 0, INFINITE)
    max_calls: int | None = optional("a budget in requests", 0, INFINITE)

    def problems(self, key: str) -> Iterator[str]:
        """Say what cannot work."""
        if self.backend not in OFFLINE and self.backend not in deciders():
            yield no_choice(f"{key}.backend", self.backend, [*OFFLINE, *deciders()])
            return
        yield from _impossible_members(self, key)
        if self.backend in (EVIDENCE, PANEL):
            yield from _impossible_rules(self, key)
        else:
            yield from _impossible_template(self, key)
        yield from _impossible_server(self, key)


def template_path(judge: JudgeConfig) -> Path | None:
    """Return the file that ``judge.template`` names; None where it names none."""
    if judge.template is None:
        return None
    if _is_path(judge.template):
        return path_at(Path(), judge.template)
    return TEMPLATES / judge.language / f"{judge.template}.md"


def template_paths(judge: JudgeConfig) -> list[Path]:
    """Return the files of all templates that a judge uses, including those of a panel's members."""
    paths = [template_path(asked) for asked in (judge, *judge.members.values())]
    return [path for path in paths if path is not None]


def is_packaged(template: Path) -> bool:
    """Whether a template is one of the package's, and not the user's own."""
    return template.resolve().is_relative_to(TEMPLATES)


def server_address(judge: JudgeConfig) -> str | None:
    """Return the address of a judge's server; None for a judge that uses none, or names none."""
    return judge.server.base_url or address_of(judge.backend)


def servers_of(judge: JudgeConfig, *, key: str) -> Iterator[Destination]:
    """Yield a judge's servers, including those of a panel's members."""
    for name, asked in ((key, judge), *((f"{key}.members.{name}", member) for name, member in judge.members.items())):
        if asked.backend not in OFFLINE:
            what = "what the judge reads of you"
            yield from goes_to(asked.server, server_address(asked), key=f"{name}.server", what=what)


def _impossible_members(judge: JudgeConfig, key: str) -> Iterator[str]:
    backend = f"{key}.backend={judge.backend}"
    if judge.backend != PANEL:
        if judge.members:
            yield f"{backend} with {key}.members: only a panel has members; set {key}.backend=panel, or leave them out"
        return
    if not judge.members:
        yield f"{backend} without {key}.members: nobody would judge; choose judge=panel, which has members"
    for name, member in judge.members.items():
        if member.backend == PANEL:
            yield f"{key}.members.{name}: a panel cannot sit on a panel; name its members instead"
        if member.name != name:
            yield f"{key}.members.{name}.name={member.name}: a member goes by its own name; write {name}"


def _impossible_rules(judge: JudgeConfig, key: str) -> Iterator[str]:
    backend, view = f"{key}.backend={judge.backend}", f"{key}.view={judge.view.value}"
    if judge.view is not JudgeView.evidence:
        yield (
            f"{backend} with {view}: rules and panels choose for themselves what they read; "
            f"set {key}.view=evidence, or {key}.backend=local"
        )
    if judge.template is not None:
        yield f"{backend} with {key}.template={judge.template}: no language model would read it; leave it out"


def _impossible_template(judge: JudgeConfig, key: str) -> Iterator[str]:
    backend, view = f"{key}.backend={judge.backend}", f"{key}.view={judge.view.value}"
    path = template_path(judge)
    if judge.view is JudgeView.evidence:
        yield (
            f"{backend} with {view}: the whole memory is for rules alone; "
            f"set {key}.view=graph, or {key}.backend=evidence"
        )
    elif judge.template is None or path is None:
        yield f"{backend} without {key}.template: nothing would be asked; for example {key}.template=bio"
    elif not judge.template.endswith(".md") and (problem := name_problem(f"{key}.template", judge.template)):
        yield problem
    elif not path.is_file():
        languages = sorted(folder.name for folder in TEMPLATES.iterdir() if folder.is_dir())
        names = sorted(file.stem for file in (TEMPLATES / languages[0]).glob("*.md"))
        yield (
            f"{key}.template={judge.template} with {key}.language={judge.language}: there is no file {path.name}; "
            f"use one of {', '.join(names)} in {' or '.join(languages)}, or the path of a file of your own (.md)"
        )
    else:
        text = path.read_text(encoding="utf-8", errors="replace")
        shown = {name for name in frozenset().union(*SHOWN_BY.values()) if f"{{{name}}}" in text}
        if not shown <= SHOWN_BY[judge.view] or (
            judge.view is not JudgeView.nothing and MAINLY[judge.view] not in shown
        ):
            yield (
                f"{key}.template={judge.template} with {view}: the template shows "
                f"{', '.join(sorted(shown)) or 'nothing'}, the view {MAINLY.get(judge.view, 'nothing')}; "
                "choose another of the two"
            )
        api = _api(judge)
        if api is not None and not api.words and re.search(r"^reasoning:", text, re.MULTILINE):
            yield (
                f"{key}.template={judge.template} with {backend}: it asks for reasoning, and typed decisions have no "
                f"words; choose a template without{_or(key, lambda other: other.words)}"
            )


def _impossible_server(judge: JudgeConfig, key: str) -> Iterator[str]:
    backend, server = f"{key}.backend={judge.backend}", judge.server
    vendor = vendor_named(judge.backend)
    if vendor is None:
        if named(server) or server.batch:
            yield (
                f"{backend} with settings of {key}.server: no server would be asked; "
                f"set {key}.backend to {' or '.join(deciders())}"
            )
        for limit, value in limited(judge).items():
            yield f"{key}.{limit}={value} with {backend}: no server would be paid; leave it out"
        return
    api = _api(judge)
    if api is None:
        yield (
            f"{key}.server.api={server.api} with {backend}: it must be one of {', '.join(vendor.decide)}, or left out"
        )
    elif server.batch and api.batch is None:
        yield (
            f"{key}.server.batch=true with {backend}: {api.endpoint.api} has no batch API; "
            f"set {key}.server.batch=false{_or(key, lambda other: other.batch is not None)}"
        )
    yield from unreachable(server, server_address(judge), key=f"{key}.server", backend=backend)


def _api(judge: JudgeConfig) -> DecisionApi | None:
    """Return the API by which a judge asks; None where it asks no server, or the vendor has no such API."""
    vendor = vendor_named(judge.backend)
    return vendor.decision_api(judge.server.api) if vendor else None


def _or(key: str, fits: Callable[[DecisionApi], bool]) -> str:
    """Return the settings of every API that fits, as alternatives."""
    return "".join(
        f", or {key}.backend={name} {key}.server.api={api}"
        for name, vendor in all_vendors().items()
        for api, each in vendor.decide.items()
        if fits(each)
    )
