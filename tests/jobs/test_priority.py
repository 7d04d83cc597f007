"""A job works behind everybody else, and what shows that it lives less far behind."""

import os
import subprocess
import sys

BEHIND = """
import os, threading
from service.jobs.priority import step_back, work_when_idle

step_back()
go, told = threading.Event(), []
def tell():
    told.append(os.sched_getscheduler(0))
before = threading.Thread(target=lambda: (go.wait(), tell()))
before.start()
work_when_idle()
go.set()
before.join()
after = threading.Thread(target=tell)
after.start()
after.join()
print(*told, os.sched_getscheduler(0), os.getpriority(os.PRIO_PROCESS, 0))
"""


def test_threads_begun_before_are_heard_of_where_the_others_get_little() -> None:
    ran = subprocess.run([sys.executable, "-c", BEHIND], check=True, capture_output=True, text=True)

    policies = [os.SCHED_BATCH, os.SCHED_IDLE, os.SCHED_IDLE]
    assert [int(word) for word in ran.stdout.split()] == [*policies, 19]
