"""Hostile and broken files, made anew from a seed, and what the loader must do with each.

    python -m tests.attacks.make OUT [--seed N]     write the files and OUT/manifest.json
    python -m tests.attacks.run OUT                 give each to the service's own child process

What makes the files harmless:

- A payload does one thing: it appends the id of its case to the file that the environment variable
  ATTACK_MARKER names, else to OUT/markers/ran. A payload that writes a file at a fixed place
  writes it below OUT/markers. So "did code run?" is the question "is OUT/markers still empty?".
- What a leaking loader would read is a canary: OUT/canary holds a sentence and numbers that exist
  nowhere else. The one other file that is named is /etc/hostname.
- No file names an address of a network.
- Bombs are moderate: none unpacks to more than 2 GiB, but for one whose members overlap.

The files are to be made where they are used: some hold absolute paths of their canaries, and one
is a FIFO. Marshalled code runs only under the Python that wrote it.
"""
