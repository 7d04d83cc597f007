"""The service measured side by side with what it has to beat, on one machine in one run."""
