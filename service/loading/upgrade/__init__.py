"""Turn a configuration of Keras 1 or 2 into one that Keras 3 understands, by small named rules.

Each rule cures one thing that changed between the eras; `catalogue.py` lists them all. The silent
changes matter most: without their rules a model loads and answers wrong numbers.
"""
