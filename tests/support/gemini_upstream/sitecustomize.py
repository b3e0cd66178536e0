"""On the path of an MLflow server: its gateway asks the Gemini at ``$GEMINI_UPSTREAM``.

From 3.18 on the server takes such an address itself; before it knows Google's alone.
"""

import os
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.util import find_spec

_MODULE = "mlflow.gateway.providers.gemini"


class _Finder(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name != _MODULE:
            return None
        sys.meta_path.remove(self)
        spec = find_spec(name)
        spec.loader = _Patching(spec.loader)
        return spec


class _Patching(Loader):
    def __init__(self, loader):
        self._loader = loader

    def create_module(self, spec):
        return self._loader.create_module(spec)

    def exec_module(self, module):
        self._loader.exec_module(module)
        address = os.environ["GEMINI_UPSTREAM"] + "/v1beta/models"
        module.GeminiProvider.base_url = property(lambda _: address)


sys.meta_path.insert(0, _Finder())
