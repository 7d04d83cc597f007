"""What a framework's exception says, in one line for people: no stacks, no paths of a machine."""

import re

MAX_TEXT = 500
STACK_LINE = re.compile(r'^\s*File "[^"]*", line \d+.*$', re.MULTILINE)
DETECTED = re.compile(r"^(Graph execution error:|Detected at node .*)$", re.MULTILINE)
NODE_REFERENCE = re.compile(r"\[\[\{\{.*?\}\}.*?\]\]|\[Op:[^\]]*\]|<stack traces unavailable>")
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
ARGUMENTS = re.compile(r"Arguments received by .*", re.DOTALL)  # whole tensors, one by one
FOLDERS = re.compile(r"(?<![\w.])/(?:[\w.@+-]+/)+")


def reason_of(error: BaseException) -> str:
    """The exception's class and message, shortened."""
    text = str(error).rsplit("Exception encountered: ", 1)[-1]  # before it, whole configurations
    for pattern in (COLOURS, ARGUMENTS, STACK_LINE, DETECTED, NODE_REFERENCE, FOLDERS):
        text = pattern.sub("", text)
    text = " ".join(text.split())
    return f"{type(error).__name__}: {text[:MAX_TEXT]}".rstrip(": ")
