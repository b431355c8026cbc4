"""Read by every Python whose PYTHONPATH names this folder: it measures which lines and branches of the package run.

`make test` sets it, so that each process a test starts is measured without knowing. A system's own file of this name
(a distribution's crash reporter, for one) is not read then.
"""

import sys

import seen

sys.meta_path.insert(0, seen.Finder())
