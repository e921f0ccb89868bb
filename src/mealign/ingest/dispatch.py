"""Which importer takes which file."""

from __future__ import annotations

from functools import cache

from mealign import plugins
from mealign.ingest.files import SourceFile
from mealign.ingest.importing import ImportContext, Importer
from mealign.ingest.text import add_unreadable
from mealign.records import Document

PACKAGE = "mealign.ingest.importers"


@cache
def importers() -> tuple[Importer, ...]:
    """Return the importers in the order in which they are asked, the more specific first.

    Those of plug-in folders come first, then those that look at a file before they claim it, then those that take every
    file with their extension; equals in the order of their modules' names.

    Raises:
        ConfigError: a module of the package defines no ``IMPORTER``.
    """
    found: dict[str, Importer] = plugins.members(PACKAGE, "IMPORTER")
    order = sorted(found, key=lambda name: (not plugins.is_added(PACKAGE, name), not found[name].recognises, name))
    return tuple(found[name] for name in order)


def suffixes() -> frozenset[str]:
    """Return the extensions of files in a known format."""
    return frozenset().union(*(importer.suffixes for importer in importers())) - {""}


def import_file(file: SourceFile, context: ImportContext) -> list[Document]:
    """Read one file of whatever format.

    Whatever is in it, the report says what became of it: documents, a problem, or one more file that was ignored. A
    folder that no importer claims is only where files are.
    """
    problems = context.problems
    before = len(problems.items)
    try:
        importer = next((importer for importer in importers() if importer.claims(file)), None)
    except OSError as error:
        add_unreadable(file.name, error, problems)
        return []
    documents = importer.read(file, context) if importer else []
    if documents or len(problems.items) > before or (importer is None and file.path.is_dir()):
        return documents
    is_export = any(file.path.name in importer.export_names for importer in importers())
    # Any program writes JSON: what looks like an export and holds no message may be something else.
    if is_export or (importer and file.suffix != ".json"):
        message = "nothing in it can be used"
        problems.add(file.name, None, "nothing", message, "export it again, or take it out of the folder")
    else:
        problems.ignored[file.suffix or "no extension"] += 1
    return []
