"""What to do next with a file, by what was found in it: the end of every inspection."""

from collections.abc import Iterator

from service.loading.inspected import Inspection


def next_steps(found: Inspection, sha256: str = "") -> list[str]:
    """Sentences for the person who holds the file; the first says whether it can be served.

    `sha256` is the digest of the file that holds the architecture.
    """
    if found.hazards or found.lambdas or found.faults or found.unsupported:
        return ["It can't be served as it is.", *_obstacles(found, sha256)]
    if found.custom_classes:
        return ["It can be served once its classes are registered.", *_classes(found)]
    return ["It can be served: kerasd serve FILE", *_modernise(found)]


def _obstacles(found: Inspection, sha256: str) -> Iterator[str]:
    if found.hazards:
        yield (
            "It asks for something that no model needs: find out where it comes from, and don't "
            "open it with Keras either."
        )
    if found.lambdas:
        yield (
            "Write each Lambda's function as a layer class of its own, build the model with it "
            "and load the weights into that. Keras' own operations (keras.ops) need no class."
        )
    if found.lambdas and not (found.hazards or found.faults):
        yield (
            "If you trust whoever wrote this one file, say so in model.yaml, for the version's "
            f"number: allow_lambda: {{1: {sha256 or '<sha256 of the file>'}}}"
        )
    if found.faults:
        yield "Its configuration contradicts itself: export the model again, or copy it again."
    if found.unsupported:
        yield "It goes beyond what is served here; a part of it, or a smaller model, may do."
    if found.custom_classes:
        yield from _classes(found)


def _classes(found: Inspection) -> Iterator[str]:
    names = ", ".join(found.custom_classes)
    yield (
        f"Put a module that defines {names} where Python finds it (or name its folder in "
        "custom_objects_path) and name it in the setting custom_objects. An installed package "
        "does the same with an entry point of the group kerasd.custom_objects."
    )


def _modernise(found: Inspection) -> Iterator[str]:
    if found.is_legacy:
        yield (
            f"It was written by {found.era}. A file that today's Keras opens by itself: "
            "kerasd convert OLD NEW.keras"
        )
    if found.training.has_optimizer_state:
        yield "Its optimizer's state is in the file: a retrain goes on with it where it fits."
