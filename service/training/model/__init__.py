"""The model of a retrain: opened, changed as asked, compiled by Keras."""
