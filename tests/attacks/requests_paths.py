"""Requests whose path names what no model, version or label may be called."""

from collections.abc import Iterator

from tests.attacks.requests import (
    EITHER,
    GOOD,
    MODEL,
    REFUSED,
    UNSUPPORTED,
    Hostile,
    head,
    post,
)

NAMES = {
    "dots": "..", "dot": ".", "three_dots": "...", "up": "../../etc/passwd",
    "up_back": "..\\..\\etc",
    "up_encoded": "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "up_twice": "%252e%252e%252fetc",
    "up_overlong": "%c0%ae%c0%ae%c0%afetc", "up_wide": "%EF%BC%8E%EF%BC%8E%EF%BC%8Fetc",
    "absolute": "/etc/passwd", "absolute_encoded": "%2fetc%2fpasswd",
    "back_encoded": "..%5c..%5cetc",
    "nul": "%00", "nul_suffix": f"{MODEL}%00.h5", "hidden": ".git", "home": "~root", "empty": "",
    "space": "%20", "spaces": f"{MODEL}%20", "long_255": "a" * 255, "long_3000": "a" * 3000,
    "line": "m%0aERROR%20forged%20line", "crlf": "m%0d%0aSet-Cookie:%20a=b", "escape": "%1b[31mred",
    "format": "%25s%25n%7B0%7D", "template": "%7B%7B7*7%7D%7D",
    "markup": "%3Cscript%3E1%3C%2Fscript%3E",
    "sql": "'%20OR%201=1--", "shell": "$(id)", "glob": "*", "bomb": "%F0%9F%92%A3",
    "rtl": "%E2%80%AEm",
    "homoglyph": "breast-c%D0%B0ncer", "bad_utf8": "%ff%fe", "half_escape": "%",
    "bad_escape": "%zz",
    "device": "CON", "semicolon": f"{MODEL};v=1", "case": MODEL.upper(), "colon": "a%3Ab",
    "surrogate": "%ed%a0%80", "quote": '"', "pipe": "a|b", "run": "run", "suffix": f"{MODEL}.h5",
    "file": "file%3A%2F%2F%2Fetc%2Fpasswd", "separator": "%E2%80%A8", "bell": "%07",
    "delete": "%7f",
}  # fmt: skip
VERSIONS = (
    "-1", "0", "+1", "01", "1.0", "1e0", "1_0", "%201", "1%20", "0x1", "%D9%A1", "%C2%B9", "..",
    "%00",
    "99999999999999999999999", "9" * 3000, "latest", "1%0a", "", "None", "true", "1;2", "1/1",
    "NaN",
)  # fmt: skip
LABELS = ("unheard-of", "..%2f..", "%00", "a" * 3000, "%0d%0aX-Evil:1", "", "1", "%ff", "a/b")
OTHERS = (
    "/v1/models", "/v1/models/", "/v1", "/v1/", "/v1/models:predict", "/v1/models//:predict",
    f"/v1//models//{MODEL}:predict", f"//v1/models/{MODEL}:predict", f"/v1/models/{MODEL}:predict/",
    f"/v1/models/{MODEL}:explode", f"/v1/models/{MODEL}:", f"/v1/models/{MODEL}:predict:predict",
    f"/v1/models/{MODEL}/versions/1/versions/1:predict", f"/v1/models/{MODEL}/../{MODEL}:predict",
    f"/v2/models/{MODEL}/infer/", f"/v2/models/{MODEL}/versions/x/infer",
    f"/V2/models/{MODEL}/infer",
    "/v2/models//infer", "/v2/models/../infer", "/v2/models/%2e%2e/infer",
    f"/v2/models/{MODEL}/explode",
    "/admin", "/.env", "/.git/config", "/server-status", "/metrics/../../etc/passwd",
    "/static/../app.py",
    "/%2e%2e/%2e%2e/etc/passwd", "/console", "/debug", "/api/v1/pods", "/cgi-bin/test",
    "/wp-login.php",
)  # fmt: skip
CONTROL = (
    ("index_text", "/v2/repository/index", b'"ready"'),
    ("index_list", "/v2/repository/index", b"[1]"),
    ("index_flag", "/v2/repository/index", b'{"ready": "yes"}'),
    ("index_deep", "/v2/repository/index", b'{"ready":' * 50_000),
    ("load_path", "/v2/repository/models/..%2f..%2fetc/load", b""),
    ("load_unknown", "/v2/repository/models/nope/load", b""),
    ("load_file", f"/v2/repository/models/{MODEL}/load",
     b'{"parameters": {"file:../../evil.h5": "AAAA", "config": "{}"}}'),
    ("load_url", "/v2/repository/models/nope/load",
     b'{"parameters": {"config": "http://169.254.169.254/latest/meta-data/"}}'),
    ("unload_unknown", "/v2/repository/models/nope/unload", b'{"parameters": 5}'),
    ("memory_register", "/v2/systemsharedmemory/region/x/register",
     b'{"key": "/psm_x", "offset": 0, "byte_size": 18446744073709551615}'),
    ("memory_cuda", "/v2/cudasharedmemory/region/x/register", b"{}"),
    ("logging_file", "/v2/logging", b'{"log_file": "/etc/cron.d/evil"}'),
    ("trace_file", "/v2/trace/setting", b'{"trace_file": "/etc/cron.d/evil"}'),
    ("generate", f"/v2/models/{MODEL}/generate", b'{"text_input": "a"}'),
    ("upload", f"/v1/admin/models/{MODEL}", b"\x89HDF\r\n\x1a\n"),
    ("dataset_url", "/v1/admin/datasets/d", b'{"url": "http://169.254.169.254/"}'),
)  # fmt: skip


def path_requests() -> Iterator[Hostile]:
    """All of them."""
    for name, model in NAMES.items():
        yield _predict(f"name_{name}", f"/v1/models/{model}:predict")
        yield _predict(f"name_{name}_v2", f"/v2/models/{model}/infer")
    for number, version in enumerate(VERSIONS):
        yield _predict(f"version_{number}", f"/v1/models/{MODEL}/versions/{version}:predict")
        yield _predict(f"version_{number}_v2", f"/v2/models/{MODEL}/versions/{version}/infer")
    for number, label in enumerate(LABELS):
        yield _predict(f"label_{number}", f"/v1/models/{MODEL}/labels/{label}:predict")
    for number, path in enumerate(OTHERS):
        yield _predict(f"path_{number}", path)
    for name in ("up_encoded", "line", "markup", "long_3000", "bad_utf8", "nul"):
        for place, form in (("status", "/v1/models/{}"), ("metadata", "/v2/models/{}/config")):
            sent = head(f"GET {form.format(NAMES[name])} HTTP/1.1", ("Connection", "close"))
            yield Hostile(f"name_{name}_{place}", "names", (sent,))
    for name, path, body in CONTROL:
        yield Hostile(f"control_{name}", "control routes", (post(path, body),), UNSUPPORTED)


def _predict(name: str, path: str) -> Hostile:
    expect = EITHER if path.startswith("//") else REFUSED
    return Hostile(name, "names", (post(path, GOOD),), expect)
