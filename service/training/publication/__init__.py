"""From a trained model to a version of the repository that is current."""
