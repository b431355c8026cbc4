"""The worker as a program for the crash tests of who is told: the product's own, without the supervisor around it."""

import os

from wedsync.kit import log
from wedsync.kit.config import load
from wedsync.processes.worker import main

if __name__ == "__main__":
    chosen = load(os.environ)
    log.configure(process="worker", level=chosen.log_level)
    main(chosen)
