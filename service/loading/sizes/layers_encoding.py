"""Shapes of layers that turn words, values and bins into numbers or columns; none has weights."""

from collections.abc import Callable

from service.loading.sizes.layer_call import Call, Sized, checked

Rule = Callable[[Call], Sized]


def _encoding(call: Call) -> Sized:
    """Layers that turn each value into a number, or into one column for every possible value."""
    mode = call.value("output_mode", default="int" if call.kind != "CategoryEncoding" else "multi")
    shape = call.shape
    if mode == "int":
        return Sized((shape,))
    many = _categories(call)
    if mode == "one_hot" and not (len(shape) > 1 and shape[-1] == 1):
        return Sized((checked((*shape, many)),))
    return Sized((checked((*shape[:-1], many)),))


def _categories(call: Call) -> int:
    if call.kind == "CategoryEncoding":
        return call.whole("num_tokens", "max_tokens")
    bounds = call.value("bin_boundaries")
    if call.kind == "Discretization" and isinstance(bounds, list):
        return len(bounds) + 1
    if call.kind in ("Discretization", "Hashing", "HashedCrossing"):
        return call.whole("num_bins")
    if call.flag("pad_to_max_tokens", default=False):
        return call.whole("max_tokens")
    words = call.value("vocabulary")
    if not isinstance(words, list):
        return call.whole("vocabulary_size", "max_tokens")
    oov = (
        1 if call.kind == "TextVectorization" else call.whole("num_oov_indices", default=1, least=0)
    )
    return len(words) + oov + (call.value("mask_token") is not None)


def _text_vectorization(call: Call) -> Sized:
    if call.value("output_mode", default="int") != "int":
        return Sized((checked((call.shape[0], _categories(call))),))
    length = call.config.get("output_sequence_length")
    return Sized(
        ((call.shape[0], None if length is None else call.whole("output_sequence_length")),)
    )


ENCODING_RULES: dict[str, Rule] = {
    **dict.fromkeys(
        "CategoryEncoding Discretization Hashing HashedCrossing IntegerLookup StringLookup".split(),
        _encoding,
    ),
    "TextVectorization": _text_vectorization,
}
