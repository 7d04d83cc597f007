"""Write the corpus: python -m tests.attacks.make OUT [--seed N]."""

import argparse
import os
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.attacks.canaries import write_canaries
from tests.attacks.case import Case, Corpus

SEED = 20260101
DEPTH = 20_000  # some files are nested deeper than Python's own limit allows to write


def write_corpus(out: Path, seed: int = SEED) -> list[Case]:
    """Write every file and the manifest into `out`; the cases."""
    corpus = Corpus(out.resolve())
    write_canaries(corpus)
    with _deep_recursion():
        _write_models(corpus, random.Random(seed))
        _write_data(corpus, random.Random(seed + 1))
    corpus.write_manifest(seed)
    return corpus.cases


def _write_models(corpus: Corpus, rng: random.Random) -> None:
    # TensorFlow and Keras are imported only by who really writes a corpus.
    from tests.attacks import (
        archives,
        attributes,
        bytecode,
        controls,
        damage,
        declared,
        disguises,
        gadgets,
        graphs,
        links,
        lookups,
        misfits,
        names,
        places,
        saved_models,
        settings_of_layers,
    )
    from tests.attacks.base import make_base

    base = make_base(corpus)
    controls.add_controls(corpus, base)
    bytecode.add_bytecode(corpus, base)
    names.add_names(corpus)
    gadgets.add_gadgets(corpus)
    lookups.add_lookups(corpus)
    links.add_links(corpus, base)
    declared.add_declared(corpus, base)
    settings_of_layers.add_settings(corpus)
    graphs.add_graphs(corpus)
    archives.add_archives(corpus, base)
    disguises.add_disguises(corpus, base)
    disguises.add_incomplete(corpus, base)
    damage.add_damage(corpus, base, rng)
    places.add_places(corpus, base)
    misfits.add_misfits(corpus, base)
    attributes.add_attributes(corpus, base)
    attributes.add_layer_names(corpus)
    saved_models.add_saved_models(corpus)


def _write_data(corpus: Corpus, rng: random.Random) -> None:
    from tests.attacks import data_good, data_npz, data_parquet, data_text

    data_good.add_good_data(corpus)
    data_npz.add_npz(corpus)
    data_text.add_text(corpus, rng)
    data_parquet.add_parquet(corpus, rng)


@contextmanager
def _deep_recursion() -> Iterator[None]:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(DEPTH)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def main() -> None:
    """Write the corpus that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    cases = write_corpus(given.out, given.seed)
    models = sum(case.is_model for case in cases)
    print(f"{models} model files, {len(cases) - models} data files in {given.out}")


if __name__ == "__main__":
    main()
