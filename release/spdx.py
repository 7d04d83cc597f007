"""The SPDX expression of an installed package: its own word, or what was read in its files."""

from importlib.metadata import Distribution

from release.targets import canonical

# As packages write it in the field `License` that had no syntax.
WRITTEN = {
    "0BSD": "0BSD",
    "Apache 2": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache-2.0": "Apache-2.0",
    "BSD 3-Clause": "BSD-3-Clause",
    "3-Clause BSD License": "BSD-3-Clause",
    "BSD-3-Clause": "BSD-3-Clause",
    "MIT": "MIT",
    "MIT License": "MIT",
    "MPL-2.0": "MPL-2.0",
    "PSF-2.0": "PSF-2.0",
}
CLASSIFIED = {
    "License :: OSI Approved :: Apache Software License": "Apache-2.0",
    "License :: OSI Approved :: ISC License (ISCL)": "ISC",
    "License :: OSI Approved :: MIT License": "MIT",
    "License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
# What the metadata leave open or say wrongly, with what was read where.
READ = {
    "astunparse": "BSD-3-Clause AND PSF-2.0",  # LICENSE: the author's, and Python's own for parts
    "cronsim": "BSD-3-Clause",  # LICENSE; the classifier says BSD only
    "gast": "BSD-3-Clause",  # LICENSE
    "itsdangerous": "BSD-3-Clause",  # LICENSE.txt
    "jinja2": "BSD-3-Clause",  # LICENSE.txt
    "libclang": "Apache-2.0 WITH LLVM-exception",  # LICENSE.TXT
    "namex": "Apache-2.0",  # LICENSE; the metadata say nothing
    "pysimdjson": "MIT AND Apache-2.0",  # LICENSE, and simdjson's own inside of it
    "python-dateutil": "(Apache-2.0 OR BSD-3-Clause) AND BSD-3-Clause",  # LICENSE, by age
    "s3fs": "BSD-3-Clause",  # LICENSE.txt
    "uvloop": "MIT OR Apache-2.0",  # LICENSE-MIT, LICENSE-APACHE
}


def expression(package: Distribution) -> str:
    """The SPDX expression; empty if nothing says it."""
    name = canonical(package.name)
    if name in READ:
        return READ[name]
    told = package.metadata.json
    if "license_expression" in told:
        return str(told["license_expression"])
    written = WRITTEN.get(str(told.get("license", "")).strip())
    if written:
        return written
    lines = [line for line in told.get("classifier", []) if line.startswith("License ::")]
    return CLASSIFIED.get(lines[0], "") if len(lines) == 1 else ""
