"""One way to predict all rows of a folder of files, measured from inside; the figures are printed.

python -m benchmarks.batch_contestants NAME FOLDER OUT
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.batch_files import COMPILED, MODEL, ROWS, WIDTH

BATCH = 4096
KERASD_ALL, KERASD = "kerasd, all columns", "kerasd, id and answers"
PREDICT, PREDICT_LARGE = "model.predict", "model.predict(batch_size=4096)"
STREAM = "streamed tf.function"
NAMES = (KERASD_ALL, KERASD, PREDICT, PREDICT_LARGE, STREAM)


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one process: seconds and processor time of the work without imports, and the largest
    resident set (pages of libraries included, the page cache of files not).
    """

    rows: int
    work_s: float
    cpu_s: float
    peak_mb: float


def main(name: str, folder: Path, out: Path) -> None:
    """Do the work and print its figures."""
    work = _prepare(name, folder, out)
    began, used = time.perf_counter(), time.process_time()
    rows = work()
    work_s, cpu_s = time.perf_counter() - began, time.process_time() - used
    figures = Figures(rows, work_s, cpu_s, _peak_mb())
    print(json.dumps(asdict(figures)))


def _prepare(name: str, folder: Path, out: Path) -> Callable[[], int]:
    """All imports, so that they aren't measured."""
    if name in (KERASD, KERASD_ALL):
        return _kerasd(folder, out, "all" if name == KERASD_ALL else "others")
    import keras

    model = keras.saving.load_model(folder / MODEL)
    out.mkdir()
    if name == STREAM:
        return _stream(model, folder, out)
    return _predict(model, folder, out, {} if name == PREDICT else {"batch_size": BATCH})


def _kerasd(folder: Path, out: Path, keep: str) -> Callable[[], int]:
    import os

    from service.recipe.batch import BatchOptions
    from service.repository.model_config import ModelConfig
    from service.training.batch.run import BatchOrder, Progress, Subject, run_batch

    class Nobody:
        """Who doesn't watch."""

        def check(self) -> None: ...

        def tell(self, progress: Progress) -> None: ...

        def finished(self, unit: str, rows: int, errors: int) -> None: ...

    subject = Subject("mlp", 1, "0" * 64, folder / COMPILED, ModelConfig())
    options = BatchOptions.model_validate({"keep": keep})
    order = BatchOrder(folder / ROWS, out, options, "benchmark", threads=os.cpu_count() or 1)
    return lambda: run_batch(order, subject, Nobody()).rows


def _predict(model: Any, folder: Path, out: Path, asked: dict[str, int]) -> Callable[[], int]:
    """Each file as one array, as most scripts do it."""

    def work() -> int:
        rows = 0
        for path in sorted((folder / ROWS).iterdir()):
            table = pq.read_table(path)
            images = table["image"].combine_chunks().flatten().to_numpy().reshape(-1, WIDTH)
            scores = model.predict(images, verbose=0, **asked)
            pq.write_table(_answers(table["id"], scores), out / path.name, compression="zstd")
            rows += len(scores)
        return rows

    return work


def _stream(model: Any, folder: Path, out: Path) -> Callable[[], int]:
    """A batch at a time through a traced function."""
    import tensorflow as tf

    spec = tf.TensorSpec((None, WIDTH), tf.float32)
    function = tf.function(lambda x: model(x, training=False)).get_concrete_function(spec)

    def work() -> int:
        rows = 0
        for path in sorted((folder / ROWS).iterdir()):
            writer = None
            for batch in pq.ParquetFile(path).iter_batches(BATCH):
                images = batch["image"].flatten().to_numpy().reshape(-1, WIDTH)
                table = _answers(batch["id"], function(tf.constant(images)).numpy())
                writer = writer or pq.ParquetWriter(
                    out / path.name, table.schema, compression="zstd"
                )
                writer.write_table(table)
                rows += batch.num_rows
            if writer is not None:
                writer.close()
        return rows

    return work


def _answers(ids: Any, scores: Any) -> Any:
    lists = pa.FixedSizeListArray.from_arrays(pa.array(scores.reshape(-1)), scores.shape[1])
    return pa.table({"id": ids, "scores": lists, "class_index": scores.argmax(axis=1)})


def _peak_mb() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
