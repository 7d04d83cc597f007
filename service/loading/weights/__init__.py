"""Every layout of weights, and which array goes to which layer."""
