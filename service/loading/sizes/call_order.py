"""The order in which the calls of a functional model can be made, and what makes it impossible."""

from collections import deque

from service.loading.sizes.layer_call import quote, show
from service.loading.sizes.model_calls import MAX_NAME, Graph

Node = tuple[str, int]  # a layer's name and the number of its call


def sort_calls(graph: Graph) -> tuple[list[Node], list[str]]:
    """Every call after those that feed it, and what is wrong: strangers, circles."""
    faults: list[str] = []
    waiting: dict[Node, int] = {}
    feeds: dict[Node, list[Node]] = {}
    for name, layer in graph.layers.items():
        for number, call in enumerate(layer.calls):
            sources = [(reference.layer, reference.call) for reference in call.references()]
            known = [source for source in sources if _exists(graph, source)]
            strange = [source for source in sources if not _exists(graph, source)]
            if strange:
                who = f"layer {quote(name)} ({layer.kind[:MAX_NAME]})"
                faults.append(f"{who} is fed by {_stranger(graph, strange[0])}")
            waiting[name, number] = len(known)
            for source in known:
                feeds.setdefault(source, []).append((name, number))
    for what, ends in (("input", graph.inputs), ("output", graph.outputs)):
        strangers = [r for r in ends if not _exists(graph, (r.layer, r.call))]
        faults += [f"its {what} is {_stranger(graph, (r.layer, r.call))}" for r in strangers[:3]]
    ready = deque(node for node, count in waiting.items() if not count)
    order: list[Node] = []
    while ready:
        order.append(node := ready.popleft())
        for follower in feeds.get(node, ()):
            waiting[follower] -= 1
            if not waiting[follower]:
                ready.append(follower)
    if len(order) < len(waiting):
        stuck = next(name for (name, number), count in waiting.items() if count)
        faults.append(f"the layers run in a circle through {quote(stuck)}")
    return order, faults


def _exists(graph: Graph, node: Node) -> bool:
    layer = graph.layers.get(node[0])
    return layer is not None and node[1] < len(layer.calls)


def _stranger(graph: Graph, node: Node) -> str:
    layer = graph.layers.get(node[0])
    if layer is None:
        return f"{quote(node[0])}, which isn't among the layers"
    return f"call {show(node[1])} of {quote(node[0])}, which has {len(layer.calls)}"
