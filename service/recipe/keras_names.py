"""What Keras 3 has under which name: optimizers, losses and metrics, each with its arguments.

Known here so that a request is checked without importing Keras; a test holds it to Keras itself.
"""

import re
from collections.abc import Mapping

Arguments = frozenset[str]
Catalogue = Mapping[str, Arguments]


def _arguments(text: str) -> Arguments:
    return frozenset(text.split())


OF_OPTIMIZERS = _arguments(
    "name learning_rate weight_decay clipnorm clipvalue global_clipnorm use_ema ema_momentum "
    "ema_overwrite_frequency loss_scale_factor gradient_accumulation_steps"
)
OPTIMIZERS: Catalogue = {
    name: OF_OPTIMIZERS | _arguments(own)
    for name, own in {
        "Adadelta": "rho epsilon",
        "Adafactor": "beta_2_decay epsilon_1 epsilon_2 clip_threshold relative_step",
        "Adagrad": "initial_accumulator_value epsilon",
        "Adam": "beta_1 beta_2 epsilon amsgrad",
        "AdamW": "beta_1 beta_2 epsilon amsgrad",
        "Adamax": "beta_1 beta_2 epsilon",
        "Ftrl": "learning_rate_power initial_accumulator_value l1_regularization_strength "
        "l2_regularization_strength l2_shrinkage_regularization_strength beta",
        "Lamb": "beta_1 beta_2 epsilon",
        "Lion": "beta_1 beta_2",
        "Muon": "adam_beta_1 adam_beta_2 adam_weight_decay epsilon exclude_layers "
        "exclude_embeddings muon_a muon_b muon_c adam_lr_ratio momentum ns_steps nesterov rms_rate",
        "Nadam": "beta_1 beta_2 epsilon",
        "RMSprop": "rho momentum epsilon centered",
        "SGD": "momentum nesterov",
        "ScheduleFreeAdamW": "beta_1 beta_2 epsilon warmup_steps",
    }.items()
}
LOSSES: Catalogue = {
    name: _arguments(f"name reduction dtype {own}")
    for name, own in {
        "BinaryCrossentropy": "from_logits label_smoothing axis",
        "BinaryFocalCrossentropy": "apply_class_balancing alpha gamma from_logits label_smoothing "
        "axis",
        "CategoricalCrossentropy": "from_logits label_smoothing axis",
        "CategoricalFocalCrossentropy": "alpha gamma from_logits label_smoothing axis",
        "CategoricalGeneralizedCrossEntropy": "q",
        "CategoricalHinge": "",
        "CosineSimilarity": "axis",
        "Dice": "axis",
        "Hinge": "",
        "Huber": "delta",
        "KLDivergence": "",
        "LogCosh": "",
        "MeanAbsoluteError": "",
        "MeanAbsolutePercentageError": "",
        "MeanSquaredError": "",
        "MeanSquaredLogarithmicError": "",
        "Poisson": "",
        "SparseCategoricalCrossentropy": "from_logits ignore_class axis",
        "SquaredHinge": "",
        "Tversky": "alpha beta axis",
    }.items()
}
METRICS: Catalogue = {
    name: _arguments(f"name dtype {own}")
    for name, own in {
        "AUC": "num_thresholds curve summation_method thresholds multi_label num_labels "
        "label_weights from_logits",
        "BinaryAccuracy": "threshold",
        "BinaryCrossentropy": "from_logits label_smoothing",
        "CategoricalAccuracy": "",
        "CategoricalCrossentropy": "from_logits label_smoothing axis",
        "CategoricalHinge": "",
        "ConcordanceCorrelation": "axis",
        "CosineSimilarity": "axis",
        "F1Score": "average threshold",
        "FBetaScore": "average beta threshold",
        "FalseNegatives": "thresholds",
        "FalsePositives": "thresholds",
        "Hinge": "",
        "KLDivergence": "",
        "LogCoshError": "",
        "MeanAbsoluteError": "",
        "MeanAbsolutePercentageError": "",
        "MeanSquaredError": "",
        "MeanSquaredLogarithmicError": "",
        "PearsonCorrelation": "axis",
        "Poisson": "",
        "Precision": "thresholds top_k class_id",
        "PrecisionAtRecall": "recall num_thresholds class_id",
        "R2Score": "class_aggregation num_regressors",
        "Recall": "thresholds top_k class_id",
        "RecallAtPrecision": "precision num_thresholds class_id",
        "RootMeanSquaredError": "",
        "SensitivityAtSpecificity": "specificity num_thresholds class_id",
        "SparseCategoricalAccuracy": "",
        "SparseCategoricalCrossentropy": "from_logits ignore_class axis",
        "SparseTopKCategoricalAccuracy": "k from_sorted_ids",
        "SpecificityAtSensitivity": "sensitivity num_thresholds class_id",
        "SquaredHinge": "",
        "TopKCategoricalAccuracy": "k",
        "TrueNegatives": "thresholds",
        "TruePositives": "thresholds",
    }.items()
}
# Keras chooses the class by the loss and the shape of the output.
CHOSEN_BY_LOSS = {"accuracy": "accuracy", "acc": "accuracy", "crossentropy": "crossentropy",
                  "ce": "crossentropy"}  # fmt: skip
SHORT = {
    "bce": "BinaryCrossentropy", "kld": "KLDivergence", "mae": "MeanAbsoluteError",
    "mape": "MeanAbsolutePercentageError", "mse": "MeanSquaredError",
    "msle": "MeanSquaredLogarithmicError", "logcosh": "LogCosh", "rmse": "RootMeanSquaredError",
    "huberloss": "Huber", "kullbackleiblerdivergence": "KLDivergence",
}  # fmt: skip
# What Keras calls a metric in its logs where no name was given; else its class in snake case.
OWN_NAMES = {"AUC": "auc", "FBetaScore": "fbeta_score", "LogCoshError": "logcosh"}


def find(name: str, catalogue: Catalogue) -> str | None:
    """The class that is meant, however it is spelt: `Adam`, `adam`, `mean_squared_error`, `mse`."""
    folded = _fold(name)
    folded = _fold(SHORT.get(folded, folded))
    return next((known for known in catalogue if _fold(known) == folded), None)


def log_name(class_name: str) -> str:
    """Under which name a metric stands in Keras' logs, unless it was given another."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", class_name).lower()
    return OWN_NAMES.get(class_name, snake)


def _fold(name: str) -> str:
    return name.replace("_", "").lower()
