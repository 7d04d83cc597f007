"""The graph of a SavedModel as nodes and functions: who calls whom, and what leads where."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

TOP = ""  # the name under which the graph itself passes as a function
INIT_SIGNATURE = "__saved_model_init_op"
SAVERS_COLLECTION = "savers"


@dataclass(frozen=True, slots=True)
class SavedGraph:
    """A meta graph taken apart. `TOP` is the graph itself, which TensorFlow 1 runs as it is.

    `is_object_based` says how TensorFlow 2 loads it: by its objects and their functions, or by
    importing the graph and running parts of it. `bound` are the objects that a function is given,
    `callers` the nodes that call it, each with the function in which it lies.
    """

    functions: Mapping[str, Any]
    top: Mapping[str, Any]
    callers: Mapping[str, list[tuple[str, Any]]]
    objects: tuple[Any, ...]
    bound: Mapping[str, tuple[int, ...]]
    is_object_based: bool

    @classmethod
    def of(cls, meta: Any, is_alone: bool) -> "SavedGraph":
        """Raises ValueError when names are taken twice or objects refer to nothing."""
        functions = _by_name((f.signature.name, f) for f in meta.graph_def.library.function)
        objects = tuple(meta.object_graph_def.nodes)
        concrete = meta.object_graph_def.concrete_functions
        bound = {entry.key: tuple(entry.value.bound_inputs) for entry in concrete}
        if any(not 0 <= number < len(objects) for numbers in bound.values() for number in numbers):
            raise ValueError("its functions refer to objects that aren't there")
        top = _by_name((node.name, node) for node in meta.graph_def.node)
        is_object_based = is_alone and meta.HasField("object_graph_def")
        callers: dict[str, list[tuple[str, Any]]] = {name: [] for name in functions}
        graph = cls(functions, top, callers, objects, bound, is_object_based)
        for scope, node in graph.all_nodes():
            for called in graph.calls(node):
                callers[called].append((scope, node))
        return graph

    def all_nodes(self) -> Iterator[tuple[str, Any]]:
        """Every node of the file with the function in which it lies."""
        for scope in (TOP, *self.functions):
            for node in self.nodes(scope):
                yield scope, node

    def nodes(self, scope: str) -> Iterable[Any]:
        """The nodes of a function, or of the graph itself."""
        return self.top.values() if scope == TOP else self.functions[scope].node_def

    def calls(self, node: Any) -> list[str]:
        """The functions of this file that a node calls, as its operation or in its attributes."""
        names = [node.op] if self.is_call(node) else []
        pending = [entry.value for entry in node.attr]
        while pending:
            value = pending.pop()
            for function in (value.func, *value.list.func):
                names.extend([function.name] if function.name in self.functions else [])
                pending.extend(entry.value for entry in function.attr)
        return names

    def is_call(self, node: Any) -> bool:
        """True when the operation is itself a function of this file.

        No operation of TensorFlow has an underscore within its name, so none is taken for one.
        """
        return node.op in self.functions and "_" in node.op.lstrip("_")

    def exposed(self) -> set[str]:
        """Functions that an object holds: loading may call them, and so may anyone after it."""
        names = set(self.bound)
        for item in self.objects:
            names.update(item.function.concrete_functions)
            names.add(item.bare_concrete_function.concrete_function_name)
        return names & set(self.functions)

    def reaching(self, operations: frozenset[str]) -> set[str]:
        """Functions with one of these operations in them, or in a function that they call."""
        found = {scope for scope, node in self.all_nodes() if node.op in operations}
        callers = {name: {scope for scope, _ in calls} for name, calls in self.callers.items()}
        return _closure(found, callers) - {TOP}

    def after(self, names: set[str]) -> set[str]:
        """The top nodes that follow from these, and these."""
        consumers: dict[str, set[str]] = defaultdict(set)
        for node in self.top.values():
            for text in node.input:
                consumers[source(text)].add(node.name)
        return _closure(names, consumers)

    def before(self, names: Iterable[str]) -> list[Any]:
        """Every node that these top nodes need, those within the functions they call included."""
        inputs = {node.name: {source(text) for text in node.input} for node in self.top.values()}
        nodes = [self.top[name] for name in _closure(set(names), inputs) if name in self.top]
        pending = {called for node in nodes for called in self.calls(node)}
        seen: set[str] = set()
        while pending:
            scope = pending.pop()
            seen.add(scope)
            for node in self.nodes(scope):
                nodes.append(node)
                pending.update(name for name in self.calls(node) if name not in seen)
        return nodes


def source(text: str) -> str:
    """The node that an input such as `^a`, `a:0` or `a:output:0` comes from."""
    return text.removeprefix("^").split(":", 1)[0]


def _by_name(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for name, item in pairs:
        if not name or name in named:
            raise ValueError(f"its graph has the name '{name[:100]}' twice, or a node without one")
        named[name] = item
    return named


def _closure(start: set[str], edges: Mapping[str, set[str]]) -> set[str]:
    seen, pending = set(start), list(start)
    while pending:
        fresh = edges.get(pending.pop(), set()) - seen
        seen |= fresh
        pending.extend(fresh)
    return seen
