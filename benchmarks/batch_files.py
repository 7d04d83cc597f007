"""The files and the model of the benchmark of batch predictions, made once in a scratch folder.

    python -m benchmarks.batch_files FOLDER ROWS FILES

Run as a process of its own: it imports TensorFlow.
"""

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

WIDTH, CLASSES = 784, 10
MODEL, COMPILED, ROWS = "model.keras", "compiled", "rows"


def main(folder: Path, rows: int, files: int) -> None:
    """Make what isn't there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / COMPILED).is_dir():
        write_model(folder)
    wanted = folder / ROWS
    wanted.mkdir(exist_ok=True)
    for number in range(files):
        path = wanted / f"part-{number:03}.parquet"
        if not path.exists():
            write_rows(path, number, rows // files)


def write_rows(path: Path, number: int, rows: int) -> None:
    """Images that are noise, as lists of one length, and a column of ids."""
    values = np.random.default_rng(number).random((rows, WIDTH), np.float32)
    images = pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), WIDTH)
    ids = pa.array(np.arange(number * rows, (number + 1) * rows))
    partial = path.with_suffix(".part")
    pq.write_table(
        pa.table({"id": ids, "image": images}), partial, compression="zstd", use_dictionary=False
    )
    partial.rename(path)


def write_model(folder: Path) -> None:
    """A perceptron with fresh weights, as a file and compiled."""
    import keras

    from service.base.compiled import cache_key, digest_file
    from service.loading.compiling import Sources, compile_version

    keras.utils.set_random_seed(1)
    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((WIDTH,)), layers.Dense(256, "relu"), layers.Dense(128, "relu"),
         layers.Dense(CLASSES, "softmax")]
    )  # fmt: skip
    file = folder / MODEL
    model.save(file)
    digests = {file.name: digest_file(file)}
    sources = Sources({file.name: file}, digests, cache_key(digests))
    compile_version(sources, folder / COMPILED, lambda _stage: None)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
