"""Example bodies: a real row of the sample model `breast-cancer`, and what the model answers."""

MODEL = "breast-cancer"
ROW = [
    9.668, 18.1, 61.06, 286.3, 0.08311, 0.05428, 0.01479, 0.005769, 0.168, 0.06412,
    0.3416, 1.312, 2.275, 20.98, 0.01098, 0.01257, 0.01031, 0.003934, 0.02693, 0.002979,
    11.15, 24.62, 71.11, 380.2, 0.1388, 0.1255, 0.06409, 0.025, 0.3057, 0.07875,
]  # fmt: skip

PREDICTION_ID = "r1-5f0c9a3e-Aesam_doA_jXAQIBoxhcUADA3H-QgQkA_92Y0Si7CDKcuxlZVPd_sp6t"

ROW_REQUEST = {"instances": [ROW]}
ROW_ANSWER = {
    "predictions": [[0.0005040169]],
    "decisions": [
        {"class_index": 0, "label": "benign", "score": 0.999496, "margin": 0.99899197},
    ],
    "model_version": "1",
    "prediction_id": PREDICTION_ID,
}
EXAMPLES_REQUEST = {"examples": [{"features": ROW}]}
CLASSIFY_ANSWER = {
    "results": [[["benign", 0.999496], ["malignant", 0.0005040169]]],
    "prediction_id": PREDICTION_ID,
}
INFER_REQUEST = {
    "id": "patient-7",
    "inputs": [{"name": "features", "shape": [1, 30], "datatype": "FP32", "data": ROW}],
}
INFER_ANSWER = {
    "id": "patient-7",
    "model_name": MODEL,
    "model_version": "1",
    "parameters": {"prediction_id": PREDICTION_ID},
    "outputs": [
        {"name": "malignant", "datatype": "FP32", "shape": [1, 1], "data": [0.0005040169]},
        {"name": "class_index", "datatype": "INT64", "shape": [1], "data": [0]},
        {"name": "label", "datatype": "BYTES", "shape": [1], "data": ["benign"]},
        {"name": "score", "datatype": "FP32", "shape": [1], "data": [0.999496]},
    ],
}
