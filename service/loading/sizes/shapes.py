"""How large a model is, computed from its configuration before anything is allocated.

Every size is a whole number of Python, every walk is bounded by the file or by `MAX_WORK`: a
nested model is sized once for each shape that it is called with, and its calls are multiplied.
"""

from dataclasses import dataclass

from service.base.strict_json import Json
from service.loading.allow_list.allowed import MODELS
from service.loading.sizes.layer_call import LayerFault, Shape, Sized, UnknownShape
from service.loading.sizes.measurement import MAX_WORK, Measurement, TooMuchWork
from service.loading.sizes.model_calls import Layer
from service.loading.sizes.totals import LayerSize, Measured

__all__ = ["LayerSize", "ModelSizes", "UnknownShape", "measure"]


@dataclass(frozen=True, slots=True)
class ModelSizes:
    """What a model is made of and what one run of it needs.

    `parameters` counts what is shared once. `largest_activation` is in elements for one instance,
    a free axis counts as one; `largest_layer` gives or needs it. `calls` counts the layer calls of
    one run, nested models expanded. `complete` is false when a part isn't known.
    """

    layers: tuple[LayerSize, ...]
    inputs: tuple[tuple[str, Shape], ...]
    outputs: tuple[tuple[str, Shape | None], ...]
    parameters: int
    parameter_bytes: int
    largest_activation: int
    activation_bytes: int
    largest_layer: str
    calls: int
    complete: bool
    faults: tuple[str, ...]


def measure(config: Json) -> ModelSizes:
    """Size a whole architecture; what is wrong or unknown is said in the answer, never raised."""
    measurement = Measurement()
    model = _measured(measurement, config)
    largest = measurement.largest
    parameters = model.sized.parameters
    if parameters is None:  # the walk was broken off: what was seen until then
        rows = (row for row in measurement.rows.values() if row.kind not in MODELS)
        parameters = sum(row.parameters or 0 for row in rows)
    return ModelSizes(
        layers=tuple(measurement.rows.values()),
        inputs=tuple((name, shape) for name, shape in model.inputs if shape is not None),
        outputs=tuple(zip(model.outputs, model.sized.outputs, strict=False)),
        parameters=parameters,
        parameter_bytes=parameters * (8 if measurement.is_wide else 4),
        largest_activation=largest.elements,
        activation_bytes=largest.bytes,
        largest_layer=largest.layer,
        calls=max(model.sized.calls, measurement.work if not model.outputs else 0),
        complete=measurement.complete and not measurement.faults,
        faults=tuple(measurement.faults),
    )


def _measured(measurement: Measurement, config: Json) -> Measured:
    nothing = Measured(Sized((), None, calls=0))
    kind = config.get("class_name") if isinstance(config, dict) else None
    if not isinstance(kind, str) or kind not in MODELS:
        measurement.complete = False
        return nothing
    try:
        return measurement.measure_model(Layer("", kind, config), None)
    except LayerFault as fault:
        measurement.blame(str(fault))
    except TooMuchWork:
        measurement.blame(f"one run of the model makes more than {MAX_WORK} different layer calls")
    return nothing
