"""The programs that write the fixtures; each runs under an old Keras and its old Python."""
