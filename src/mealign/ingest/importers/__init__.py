"""The importers, one module a format: ``IMPORTER`` says which files may have it, and reads them as documents."""

from mealign.plugins import extended

__path__ = extended(__path__, "importers")
