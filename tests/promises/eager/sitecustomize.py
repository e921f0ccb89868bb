"""On the path of a process, it makes its training write a checkpoint after every step."""

import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec

NAME = "mealign.training.checkpoints"


class Eager(MetaPathFinder):
    def find_spec(self, name: str, path: object, target: object = None) -> ModuleSpec | None:
        if name != NAME:
            return None
        sys.meta_path.remove(self)
        spec = find_spec(name)
        assert spec is not None
        assert spec.loader is not None
        execute = spec.loader.exec_module

        def hurried(module: object) -> None:
            execute(module)  # type: ignore[arg-type]
            module.SECONDS = 0.0  # type: ignore[attr-defined]

        spec.loader.exec_module = hurried  # type: ignore[method-assign]
        return spec


sys.meta_path.insert(0, Eager())
