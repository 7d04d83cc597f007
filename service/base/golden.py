"""Golden inputs and outputs: what a compiled version answered when it was verified.

They lie beside the compiled file, and whoever loads it runs them again before it answers anybody.
The form is NumPy's `.npz` without pickles: `x_<index>` and `y_<index>` in the signature's order.
"""

import io
import zipfile
from collections.abc import Callable, Sequence

import numpy as np

from service.base.refusals import ArtefactCorrupt
from service.base.signature import Signature, Tensors

GOLDEN_FILE = "golden.npz"
MAX_GOLDEN_BYTES = 32 * 1024**2
MAX_RELATIVE_ERROR = 1e-4
MAX_REPLAY_ERROR = 1e-3  # another processor rounds otherwise; another model is far beyond
SMALLEST_SCALE = 1e-3


def pack_golden(inputs: Sequence[np.ndarray], outputs: Sequence[np.ndarray]) -> bytes | None:
    """The file's content; none when it would be unreasonably large."""
    arrays = {f"x_{index}": _plain(array) for index, array in enumerate(inputs)}
    arrays |= {f"y_{index}": _plain(array) for index, array in enumerate(outputs)}
    if sum(array.nbytes for array in arrays.values()) > MAX_GOLDEN_BYTES:
        return None
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)  # type: ignore[arg-type]
    return stream.getvalue()


def replay(
    content: bytes, signature: Signature, run: Callable[[Tensors], Tensors], name: str
) -> None:
    """Run the golden inputs again. Raises ArtefactCorrupt when the outputs are others."""
    inputs, expected = unpack_golden(content, signature, name)
    outputs = run(inputs)
    for spec, want in zip(signature.outputs, expected, strict=True):
        have = _plain(outputs[spec.name])
        difference = relative_error(want, have)
        if not difference <= MAX_REPLAY_ERROR:
            raise ArtefactCorrupt(
                name, f"output '{spec.name}' differs by {difference:.2g} from what was verified"
            )


def unpack_golden(
    content: bytes, signature: Signature, name: str
) -> tuple[Tensors, list[np.ndarray]]:
    """The golden inputs by name, and the outputs in their order. Raises ArtefactCorrupt."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as golden:
            inputs = {
                spec.name: _restored(golden[f"x_{index}"], spec.dtype)
                for index, spec in enumerate(signature.inputs)
            }
            return inputs, [golden[f"y_{index}"] for index in range(len(signature.outputs))]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ArtefactCorrupt(name, f"its golden values can't be read ({error})") from error


def relative_error(want: np.ndarray, have: np.ndarray) -> float:
    """Largest difference over largest magnitude; infinite for other shapes, NaN or infinities.

    Relative: over the largest absolute value of the reference in this batch, or over
    SMALLEST_SCALE for outputs that are all but zero.
    """
    if want.shape != have.shape:
        return float("inf")
    if want.dtype.kind in "OSUb" or want.size == 0:
        return 0.0 if np.array_equal(want, have) else float("inf")
    finite = np.isfinite(want) & np.isfinite(have)
    if not np.array_equal(want[~finite], have[~finite], equal_nan=True):
        return float("inf")
    if not finite.any():
        return 0.0
    difference = np.abs(want[finite].astype("float64") - have[finite].astype("float64")).max()
    return float(difference / max(float(np.abs(want[finite]).max()), SMALLEST_SCALE))


def _plain(array: np.ndarray) -> np.ndarray:
    """Texts as fixed-width Unicode: NumPy would pickle objects."""
    if array.dtype.kind == "O":
        texts = [
            v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in array.flat
        ]
        return np.asarray(texts, dtype=str).reshape(array.shape)
    if array.dtype.kind == "S":
        return np.char.decode(array, "utf-8", "replace")
    return array


def _restored(array: np.ndarray, dtype: str) -> np.ndarray:
    return array.astype(object) if dtype == "string" else array
