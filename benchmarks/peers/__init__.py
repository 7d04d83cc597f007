"""Other servers, each with the least program that serves the model; run in their own environments.

NAME.in says what is asked for, NAME.txt what that came to, NAME.py what is run.
"""
