"""Keras' usual losses in NumPy, as `model.evaluate` averages them, so that no TensorFlow is needed.

Truths are class indices, numbers, or a row of 0 and 1 a label; predictions are what the model
answers, of shape (rows, width).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

EPSILON = 1e-7  # Keras' own: keras.config.epsilon()
BELOW_ONE = float(np.float32(1 - EPSILON))  # as float32 has it, in which Keras computes

SHORT = {
    "mse": "mean_squared_error", "mae": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error", "msle": "mean_squared_logarithmic_error",
    "bce": "binary_crossentropy", "logcosh": "log_cosh", "kld": "kl_divergence",
    "kullback_leibler_divergence": "kl_divergence",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Loss:
    """A loss by Keras' name in snake case, with those of its arguments that change the value."""

    name: str
    from_logits: bool = False
    label_smoothing: float = 0.0
    delta: float = 1.0


def loss_of(config: Any) -> Loss | None:
    """The loss that a name or a Keras config stands for; none where it isn't a usual one."""
    arguments: Mapping[str, Any] = {}
    if isinstance(config, Mapping):
        inner = config.get("config")
        given = inner.items() if isinstance(inner, Mapping) else ()
        arguments = {key: value for key, value in given if value is not None}
        config = config.get("class_name")
    if not isinstance(config, str):
        return None
    name = _snake(config)
    name = SHORT.get(name, name)
    known = ("from_logits", "label_smoothing", "delta", "name", "reduction", "dtype", "axis", "fn")
    if name not in LOSSES or set(arguments) - set(known):
        return None
    if arguments.get("axis", -1) not in (-1, 1):
        return None
    if arguments.get("reduction", REDUCTIONS[0]) not in REDUCTIONS:
        return None
    return Loss(
        name,
        bool(arguments.get("from_logits", False)),
        float(arguments.get("label_smoothing") or 0),
        float(arguments.get("delta") or 1),
    )


# How a batch is summed up is Keras' affair: told is the mean over rows, which can be compared.
REDUCTIONS = ("sum_over_batch_size", "auto", "mean", "mean_with_sample_weight", "sum")


def mean_loss(loss: Loss, true: np.ndarray, predicted: np.ndarray) -> float | None:
    """The mean over rows; none where it is no finite number, or the truth has no such form."""
    if not len(true):
        return None
    said = predicted.reshape(len(predicted), -1).astype(np.float64)
    try:
        wanted = _wanted(loss, true, said)
        with np.errstate(all="ignore"):
            value = float(LOSSES[loss.name](loss, wanted, said).mean())
    except ValueError:
        return None
    return value if np.isfinite(value) else None


def _wanted(loss: Loss, true: np.ndarray, said: np.ndarray) -> np.ndarray:
    """The truth in the prediction's shape: a class index among several outputs as 0 and 1."""
    width = said.shape[1]
    if loss.name == "sparse_categorical_crossentropy" or (
        true.ndim == 1 and true.dtype.kind in "iu" and width > 1
    ):
        if true.ndim != 1:
            raise ValueError("no class indices")
        return np.asarray(np.eye(width)[true])
    return np.asarray(true.reshape(len(true), -1).astype(np.float64) + np.zeros_like(said))


def _binary_crossentropy(loss: Loss, y: np.ndarray, p: np.ndarray) -> np.ndarray:
    y = y * (1 - loss.label_smoothing) + 0.5 * loss.label_smoothing
    if loss.from_logits:
        return _mean(np.maximum(p, 0) - p * y + np.log1p(np.exp(-np.abs(p))))
    p = np.clip(p, EPSILON, BELOW_ONE)
    return _mean(-(y * np.log(p) + (1 - y) * np.log(1 - p)))


def _categorical_crossentropy(loss: Loss, y: np.ndarray, p: np.ndarray) -> np.ndarray:
    y = y * (1 - loss.label_smoothing) + loss.label_smoothing / y.shape[1]
    if loss.from_logits:
        top = p.max(axis=1, keepdims=True)
        logs = p - top - np.log(np.exp(p - top).sum(axis=1, keepdims=True))
    else:
        logs = np.log(np.clip(p / p.sum(axis=1, keepdims=True), EPSILON, BELOW_ONE))
    return np.asarray(-(y * logs).sum(axis=1))


def _huber(loss: Loss, y: np.ndarray, p: np.ndarray) -> np.ndarray:
    error = np.abs(y - p)
    squared = 0.5 * error**2
    return _mean(np.where(error <= loss.delta, squared, loss.delta * (error - 0.5 * loss.delta)))


def _percentage(_: Loss, y: np.ndarray, p: np.ndarray) -> np.ndarray:
    return 100 * _mean(np.abs((y - p) / np.maximum(np.abs(y), EPSILON)))


def _logarithmic(_: Loss, y: np.ndarray, p: np.ndarray) -> np.ndarray:
    return _mean((np.log1p(np.maximum(p, EPSILON)) - np.log1p(np.maximum(y, EPSILON))) ** 2)


def _log_cosh(_: Loss, y: np.ndarray, p: np.ndarray) -> np.ndarray:
    error = p - y
    return _mean(np.logaddexp(error, -error) - np.log(2.0))


def _divergence(_: Loss, y: np.ndarray, p: np.ndarray) -> np.ndarray:
    y, p = np.clip(y, EPSILON, 1), np.clip(p, EPSILON, 1)
    return np.asarray((y * np.log(y / p)).sum(axis=1))


def _signs(y: np.ndarray) -> np.ndarray:
    """Hinge losses take 0 and 1 for -1 and 1, as Keras does."""
    return 2 * y - 1 if np.isin(y, (0, 1)).all() else y


def _hinge(_: Loss, y: np.ndarray, p: np.ndarray) -> np.ndarray:
    return _mean(np.maximum(1 - _signs(y) * p, 0))


def _squared_hinge(_: Loss, y: np.ndarray, p: np.ndarray) -> np.ndarray:
    return _mean(np.maximum(1 - _signs(y) * p, 0) ** 2)


def _categorical_hinge(_: Loss, y: np.ndarray, p: np.ndarray) -> np.ndarray:
    return np.asarray(np.maximum(((1 - y) * p).max(axis=1) - (y * p).sum(axis=1) + 1, 0))


def _poisson(_: Loss, y: np.ndarray, p: np.ndarray) -> np.ndarray:
    return _mean(p - y * np.log(p + EPSILON))


def _mean(values: np.ndarray) -> np.ndarray:
    return np.asarray(values.mean(axis=1))


LOSSES: dict[str, Callable[[Loss, np.ndarray, np.ndarray], np.ndarray]] = {
    "mean_squared_error": lambda _, y, p: _mean((y - p) ** 2),
    "mean_absolute_error": lambda _, y, p: _mean(np.abs(y - p)),
    "mean_absolute_percentage_error": _percentage,
    "mean_squared_logarithmic_error": _logarithmic,
    "binary_crossentropy": _binary_crossentropy,
    "categorical_crossentropy": _categorical_crossentropy,
    "sparse_categorical_crossentropy": _categorical_crossentropy,
    "huber": _huber,
    "log_cosh": _log_cosh,
    "kl_divergence": _divergence,
    "hinge": _hinge,
    "squared_hinge": _squared_hinge,
    "categorical_hinge": _categorical_hinge,
    "poisson": _poisson,
}


def _snake(name: str) -> str:
    """`BinaryCrossentropy` as `binary_crossentropy`; what is in snake case stays so."""
    out = "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")
    return {"k_l_divergence": "kl_divergence"}.get(out, out)
