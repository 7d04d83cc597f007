"""Shapes and parameters of layers over time: recurrent ones, wrappers, attention, spectrograms."""

import math
from collections.abc import Callable
from typing import Any

from service.base.strict_json import Json
from service.loading.sizes.layer_call import (
    Call,
    LayerFault,
    Shape,
    Sized,
    UnknownShape,
    checked,
    count,
    items,
    known,
    show,
    whole,
)
from service.loading.sizes.layers_spatial import SPATIAL_RULES, slide

Rule = Callable[[Call], Sized]
GATES = {"SimpleRNN": 1, "GRU": 3, "LSTM": 4, "CuDNNGRU": 3, "CuDNNLSTM": 4}
MAX_CELLS = 1000
MERGE_MODES = ("concat", "sum", "mul", "ave")


def _cell(call: Call, kind: str, width: int) -> tuple[int, int, int]:
    """Units, parameters and number of states of one recurrent cell on inputs of this width."""
    units = call.whole("units", "output_dim")
    gates = GATES[kind]
    biases = call.flag("use_bias") * (
        2
        if kind.startswith("CuDNN") or (kind == "GRU" and call.flag("reset_after", default=False))
        else 1
    )
    return units, gates * units * (width + units + biases), 2 if kind.endswith("LSTM") else 1


def _cells(call: Call) -> list[Call]:
    """The cells of an RNN layer, from the first on."""
    cell = call.value("cell")
    found = items(cell)
    if isinstance(cell, dict) and cell.get("class_name") == "StackedRNNCells":
        inner = cell.get("config")
        found = items(inner.get("cells")) if isinstance(inner, dict) else None
    configs = found if isinstance(found, list) else [found]
    if len(configs) > MAX_CELLS:
        raise LayerFault(f"cell = {show(configs)}, expected at most {MAX_CELLS}")
    return [_part(call, item) for item in configs]


def _part(call: Call, item: Any) -> Call:
    config: Json | None = item.get("config") if isinstance(item, dict) else None
    if not isinstance(config, dict) or not isinstance(item.get("class_name"), str):
        raise LayerFault(f"{show(item)} within, expected the configuration of a layer")
    return Call(item["class_name"], config, (), {}, {}, call.size)


def _recurrent(call: Call) -> Sized:
    cells = [call] if call.kind in GATES else _cells(call)
    kinds = [cell.kind.removesuffix("Cell") for cell in cells]
    if not cells or any(kind not in GATES for kind in kinds):
        raise UnknownShape(call.kind)
    units = [cell.whole("units", "output_dim") for cell in cells]
    if call.flag("time_major", default=False):
        raise UnknownShape(call.kind)
    batch, steps, _ = call.ranked(3)
    parameters, features = 0, known(call.shape, -1)
    states: list[Shape] = []
    for cell, kind in zip(cells, kinds, strict=True):
        features, more, state_count = _cell(cell, kind, features)
        parameters += more
        states.append((batch, features))
        states += [(batch, features)] * (state_count - 1) if len(cells) == 1 else []
    unrolled = (steps or 1) * len(cells) if call.flag("unroll", default=False) else 1
    inner = (steps or 1) * max(units)
    outputs = _over_time(call, (batch, steps), (units[-1],), states)
    return Sized(outputs, parameters, inner, unrolled)


def _over_time(
    call: Call, times: Shape, features: Shape, states: list[Shape]
) -> tuple[Shape | None, ...]:
    """The outputs of a recurrent layer: the last step or all of them, and its states if asked."""
    batch, _ = times
    output = (
        (*times, *features) if call.flag("return_sequences", default=False) else (batch, *features)
    )
    shown: list[Shape | None] = list(states) if call.flag("return_state", default=False) else []
    return (checked(output), *shown)


def _conv_lstm(rank: int) -> Rule:
    """A convolution of the input and one of the state, for each of four gates."""
    convolution = SPATIAL_RULES[f"Conv{rank}D"]

    def size(call: Call) -> Sized:
        batch, steps, *rest = call.ranked(rank + 3)
        filters = call.whole("filters", "nb_filter")
        config = {**call.config, "groups": 1, "lora_rank": None}
        step = convolution(Call(call.kind, config, ((batch, *rest),), {}, {}, call.size))
        still = {**config, "strides": 1, "padding": "same", "dilation_rate": 1, "use_bias": False}
        state = step.outputs[0]
        again = convolution(Call(call.kind, still, (state,), {}, {}, call.size))
        parameters = 4 * ((step.parameters or 0) + (again.parameters or 0))
        features = (state or ())[1:]
        outputs = _over_time(call, (batch, steps), features, [(batch, *features)] * 2)
        return Sized(outputs, parameters, (steps or 1) * max(count(state), filters))

    return size


def _bidirectional(call: Call) -> Sized:
    mode = call.value("merge_mode")
    if mode is not None and mode not in MERGE_MODES:
        raise LayerFault(f"merge_mode = {show(mode)}, expected one of {', '.join(MERGE_MODES)}")
    ways = [
        call.config.get("layer"),
        call.value("backward_layer", default=call.config.get("layer")),
    ]
    there, back = (call.size(way, call.shape) for way in ways)
    if there.parameters is None or back.parameters is None or there.outputs[0] is None:
        raise UnknownShape(call.kind)
    output, states = there.outputs[0], (*there.outputs[1:], *back.outputs[1:])
    outputs: tuple[Shape | None, ...] = (output,)
    if mode == "concat":
        outputs = (checked((*output[:-1], 2 * known(output, -1))),)
    elif mode is None:
        outputs = (output, back.outputs[0])
    inner = max(there.inner, back.inner)
    parameters = there.parameters + back.parameters
    return Sized((*outputs, *states), parameters, inner, there.calls + back.calls)


def _time_distributed(call: Call) -> Sized:
    if len(call.shape) < 3:
        raise LayerFault(f"input of shape {show(call.shape)}, expected 3 axes or more")
    batch, steps, *rest = call.shape
    step = call.size(call.config.get("layer"), (batch, *rest))
    outputs = tuple(
        None if shape is None else checked((shape[0], steps, *shape[1:])) for shape in step.outputs
    )
    return Sized(outputs, step.parameters, (steps or 1) * step.inner, 1 + step.calls)


def _spectral_normalization(call: Call) -> Sized:
    """One more vector beside the kernel of the layer within, of the kernel's last axis."""
    wrapped = call.size(call.config.get("layer"), call.shape)
    part = _part(call, call.config.get("layer"))
    width = part.whole("units", "filters", "output_dim")
    if part.kind.endswith("Transpose"):
        width = known(call.shape, 1 if part.is_channels_first() else -1)
    parameters = None if wrapped.parameters is None else wrapped.parameters + width
    return Sized(wrapped.outputs, parameters, wrapped.inner, wrapped.calls)


def _attention(call: Call) -> Sized:
    if len(call.shapes) not in (2, 3):
        raise UnknownShape(call.kind)  # a class of one's own under this name, as some files have
    query, value = call.shapes[:2]
    if len(query) < 2 or len(value) < 2:
        raise LayerFault(f"inputs of shapes {show(query)} and {show(value)} don't fit")
    scaled = call.flag("use_scale", default=call.kind == "AdditiveAttention")
    parameters: int = scaled * (known(query, -1) if call.kind == "AdditiveAttention" else 1)
    scores = (*query[:-1], value[-2])
    inner = count(scores)
    if call.kind == "AdditiveAttention" or call.value("score_mode") == "concat":
        inner *= query[-1] or 1
        parameters += call.kind == "Attention"
    return _attended(call, checked((*query[:-1], value[-1])), scores, parameters, inner)


def _attended(call: Call, output: Shape, scores: Shape, parameters: int, inner: int) -> Sized:
    asked = call.options.get("return_attention_scores") is True
    return Sized((output, scores) if asked else (output,), parameters, inner)


def _query_value_key(call: Call) -> tuple[Shape, Shape, Shape]:
    """The three inputs of multi-head attention, by place or by name."""
    named = {name: shapes[0] for name, shapes in call.named.items() if shapes}
    found = [*call.inputs[:3]]
    found += [named.get(name) for name in ("query", "value", "key")[len(found) :]]
    query, value = found[0], found[1]
    key = found[2] if len(call.inputs) > 2 or "key" in named else value
    if query is None or value is None or key is None:
        raise UnknownShape(call.kind)
    if min(map(len, (query, value, key))) < 3:
        raise LayerFault(f"query of shape {show(query)}, expected 3 axes or more")
    return query, value, key


def _multi_head_attention(call: Call) -> Sized:
    heads, depth = call.whole("num_heads"), call.whole("key_dim")
    deep = call.whole("value_dim", default=depth)
    query, value, key = _query_value_key(call)
    biased = call.flag("use_bias")
    last: Shape = query[-1:]
    if call.value("output_shape") is not None:
        given = items(call.value("output_shape"))
        sizes = given if isinstance(given, list) else [given]
        last = tuple(whole("output_shape", size) for size in sizes)
    width = math.prod(known(last, index) for index in range(len(last)))
    gate = 1 + call.flag("use_gate", default=False)
    parameters = (gate * known(query, -1) + known(key, -1)) * heads * depth
    parameters += known(value, -1) * heads * deep + heads * deep * width
    parameters += biased * (heads * (depth * (1 + gate) + deep) + width)
    axes = range(1, len(query) - 1)
    if call.value("attention_axes") is not None:
        axes = call.axes(len(query), "attention_axes")  # type: ignore[assignment]
    attended = [value[index] for index in axes if index < len(value)]
    scores: Shape = (query[0], heads, *query[1:-1], *attended)
    inner = max(count(scores), count((*query[:-1], heads * max(depth, deep))))
    return _attended(call, checked((*query[:-1], *last)), scores, parameters, inner)


def _group_query_attention(call: Call) -> Sized:
    depth, heads = call.whole("head_dim"), call.whole("num_query_heads")
    groups = call.whole("num_key_value_heads")
    query, value, key = _query_value_key(call)
    width, biased = known(query, -1), call.flag("use_bias")
    gate = 1 + call.flag("use_gate", default=False)
    parameters = width * heads * depth * (1 + gate)
    parameters += (known(key, -1) + known(value, -1)) * groups * depth
    parameters += biased * (heads * depth * gate + 2 * groups * depth + width)
    scores = (query[0], heads, query[1], key[1])
    return _attended(call, query, scores, parameters, count(scores))


def _mel_spectrogram(call: Call) -> Sized:
    bins, stride = (
        call.whole("num_mel_bins", default=128),
        call.whole("sequence_stride", default=512),
    )
    window = call.whole("fft_length", default=2048)
    batch, length = call.ranked(2)
    frames = None if length is None else (length + stride + 1) // stride
    return Sized((checked((batch, bins, frames)),), 0, (frames or 1) * window)


def _stft_spectrogram(call: Call) -> Sized:
    mode = call.word(("mode",), ("log", "magnitude", "psd", "real", "imag", "angle", "stft"), "log")
    frame = call.whole("frame_length", default=256)
    step = call.whole("frame_step", default=max(1, frame // 2))
    padding = call.word(("padding",), ("valid", "same"), "valid")
    half = call.whole("fft_length", default=1 << (frame - 1).bit_length()) // 2 + 1
    batch, *rest = call.ranked(3)
    first = call.is_channels_first()
    channels, length = (rest[0], rest[1]) if first else (rest[1], rest[0])
    frames = slide(length, frame, step, 1, padding)
    columns = half * (2 if mode == "stft" else 1)
    shape: Shape = (batch, frames, columns * known((channels,), 0))
    if call.flag("expand_dims", default=False):
        shape = (batch, channels, frames, columns) if first else (batch, frames, columns, channels)
    elif first:
        shape = (batch, shape[2], frames)
    kernels = 1 if mode in ("real", "imag") else 2
    inner = 2 * (frames or 1) * half * known((channels,), 0)
    return Sized((checked(shape),), kernels * frame * half, inner)


RECURRENT_RULES: dict[str, Rule] = {
    **dict.fromkeys((*GATES, "RNN"), _recurrent),
    **{f"ConvLSTM{rank}D": _conv_lstm(rank) for rank in (1, 2, 3)},
    "Bidirectional": _bidirectional,
    "TimeDistributed": _time_distributed,
    "SpectralNormalization": _spectral_normalization,
    "Attention": _attention,
    "AdditiveAttention": _attention,
    "MultiHeadAttention": _multi_head_attention,
    "GroupQueryAttention": _group_query_attention,
    "MelSpectrogram": _mel_spectrogram,
    "STFTSpectrogram": _stft_spectrogram,
}
