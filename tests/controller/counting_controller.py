"""A whole controller whose jobs count so many steps, each so many seconds long; its settings come
from the environment.
"""

import sys

from service.base.settings import read_settings
from service.controller.run import run_controller

if __name__ == "__main__":
    settings = read_settings()
    counting = (sys.executable, "-m", "tests.jobs.counting")
    where = (settings.database, settings.repository_key, str(settings.jobs_dir.absolute()))
    run_controller(settings, (*counting, *where, *sys.argv[1:]))
