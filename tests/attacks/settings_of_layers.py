"""Layers whose settings ask for more than there is, or for nonsense."""

import json

from tests.attacks.architecture import call, dense, layer, of_one
from tests.attacks.case import CLEAR, Case, Corpus
from tests.attacks.declared import BUDGET
from tests.attacks.family import RESOURCE
from tests.attacks.files import BASE_WEIGHTS, always, in_formats

WARM_UP = (
    "refuse: output size computed from the config exceeds the budget, or a bounded warm-up fails"
)
STEPS = (None, 5, 4)
UNITS = (
    ("cfg_dense_2p40", 1 << 40, "2**40", BUDGET),
    ("cfg_dense_2p70", 1 << 70, "2**70", BUDGET),
    ("cfg_dense_5e9", 5_000_000_000, "5e9 (75 GiB)", BUDGET),
    ("cfg_dense_2g4", 150_000_000, "150e6: 2.4 GB kernel, 0 bytes stored", BUDGET),
    ("cfg_dense_neg", -3, "-3", CLEAR),
    ("cfg_dense_zero", 0, "0", CLEAR),
    ("cfg_dense_float", 2.5, "2.5", CLEAR),
    ("cfg_dense_str", "3", "'3'", CLEAR),
    ("cfg_dense_bool", True, "true", CLEAR),
)
TOKENS = (("nan", "NaN"), ("inf", "Infinity"), ("1e400", "1e400"), ("5000digits", "9" * 5000))
PLACEHOLDER = 987654321


def add_settings(corpus: Corpus) -> None:
    """Write every case of a setting that is too large, wrong, or no number at all."""
    for case, units, text, must in UNITS:
        config = of_one(dense("d", units))
        draft = Case(case, RESOURCE, f"Dense.units = {text}", must)
        in_formats(corpus, draft, always(config))
    table = of_one(layer("Embedding", "e", input_dim=1 << 31, output_dim=64))
    draft = Case("cfg_embedding_2p31", RESOURCE, "Embedding 2**31 x 64 (512 GiB)", BUDGET)
    in_formats(corpus, draft, always(table))
    _add_growing(corpus)
    for name, token in TOKENS:
        text = json.dumps(of_one(dense("d", PLACEHOLDER))).replace(str(PLACEHOLDER), token)
        attacks = f"Dense.units = {token[:12]}"
        draft = Case(f"json_units_{name}", RESOURCE, attacks, companion=BASE_WEIGHTS)
        corpus.write(draft, f"{draft.id}.json", text)


def _add_growing(corpus: Corpus) -> None:
    """Without weights: they explode only when they run."""
    steps = [call(shape=STEPS)]
    rows = (
        (
            "run_repeatvector",
            of_one(layer("RepeatVector", "r", n=2_000_000_000)),
            "RepeatVector(2e9): no weights, 32 GB per row at predict",
        ),
        (
            "run_zeropadding",
            of_one(layer("ZeroPadding1D", "r", steps, padding=[1_000_000_000, 1]), STEPS),
            "ZeroPadding1D(1e9): 16 GB per row at predict",
        ),
        (
            "run_upsampling",
            of_one(layer("UpSampling1D", "r", steps, size=500_000_000), STEPS),
            "UpSampling1D(5e8): 40 GB per row at predict",
        ),
    )
    for case, config, attacks in rows:
        shape = (1, 4) if case == "run_repeatvector" else (1, 5, 4)
        draft = Case(case, RESOURCE, attacks, WARM_UP, "refuse_bounded", shape=shape)
        in_formats(corpus, draft, always(config), ("keras", "h5"))
