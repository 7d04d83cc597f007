"""Multipart bodies, written by hand so that they may be wrong."""

from collections.abc import Mapping

BOUNDARY = "x-y-z"
CONTENT_TYPE = f"multipart/form-data; boundary={BOUNDARY}"


def form(files: Mapping[str, bytes], fields: Mapping[str, str] | None = None) -> bytes:
    """A form with these files by their names, and these fields."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in (fields or {}).items()
    ]
    for name, content in files.items():
        head = f'Content-Disposition: form-data; name="files"; filename="{name}"'
        parts.append(f"--{BOUNDARY}\r\n{head}\r\n\r\n".encode() + content + b"\r\n")
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()
