"""One job, run as a program of its own: data, fit, evaluate, gate, publish; batch predictions."""
