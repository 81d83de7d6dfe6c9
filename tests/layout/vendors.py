"""The import contract that keeps vendors apart. Owns which files are one vendor's: those that begin with its name.

`connectors/platforms/jd_orders.py` is JD's because `connectors/platforms/jd.py` stands beside it. Wildcards of
import-linter stand for a whole name, never for its end, so the rule cannot be written in pyproject.toml.
"""

from grimp import ImportGraph
from importlinter import ContractCheck
from importlinter.contracts.independence import IndependenceContract


class VendorsApart(IndependenceContract):
    """Independence of all modules, but for the files of one vendor, which may import each other."""

    type_name = "vendors_apart"

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Take away what one vendor's files import of each other, then look at the rest. The graph is ours alone."""
        for importer in list(graph.modules):
            for imported in graph.find_modules_directly_imported_by(importer):
                if importer.startswith("connectors.") and vendor_of(importer, graph) == vendor_of(imported, graph):
                    graph.remove_import(importer=importer, imported=imported)
        return super().check(graph, verbose)


def vendor_of(module: str, graph: ImportGraph) -> str:
    """Name the file that a vendor's other files are named after; the module itself where it has none."""
    room, _, name = module.rpartition(".")
    words = name.split("_")
    beginnings = (f"{room}.{'_'.join(words[:n])}" for n in range(1, len(words)))
    return next((one for one in beginnings if one in graph.modules), module)
