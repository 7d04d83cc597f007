"""What a job is asked to do, in the names that Keras has for it; typed, and checked whole."""
