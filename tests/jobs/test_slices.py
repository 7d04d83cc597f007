"""A job's process works in bulk, behind everybody else."""

import os
import subprocess
import sys

ASKED = """
import os
from service.jobs.slices import ask_for_long_slices
print(ask_for_long_slices(19), os.sched_getscheduler(0), os.getpriority(os.PRIO_PROCESS, 0))
"""


def test_a_process_asks_to_work_in_bulk() -> None:
    ran = subprocess.run([sys.executable, "-c", ASKED], check=True, capture_output=True, text=True)

    assert ran.stdout.split() == ["True", str(os.SCHED_BATCH), "19"]
