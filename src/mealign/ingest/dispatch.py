"""Which importer takes which file."""

from __future__ import annotations

from functools import cache

from mealign import plugins
from mealign.ingest import contained
from mealign.ingest.contained import ContainedError
from mealign.ingest.files import SourceFile
from mealign.ingest.importing import ImportContext, Importer
from mealign.ingest.text import add_unreadable, is_too_large
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
    problems, known = context.problems, importers()
    before = len(problems.items)
    importer, documents = None, []
    try:
        importer = next((importer for importer in known if importer.claims(file)), None)
        if importer and not is_too_large(file.path, file.name, problems, context.settings, importer.limit):
            module = importer.read.__module__
            documents = contained.read(module, file, context) if importer.contained else importer.read(file, context)
    except OSError as error:
        add_unreadable(file.name, error, problems)
    except ContainedError as error:
        mend = "save it again in a simpler form, or raise ingest.max_seconds"
        problems.add(file.name, None, "broken", str(error), mend)
    except Exception as error:  # noqa: BLE001 - importers, libraries and plug-ins may raise anything; the others go on
        kind = importer.read.__module__.rpartition(".")[2] if importer else "a known format"
        message = f"it cannot be read as {kind} ({type(error).__name__})"
        problems.add(file.name, None, "broken", message, "save or export it again, or take it out of the folder")
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
