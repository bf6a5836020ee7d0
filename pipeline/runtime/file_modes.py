"""Tell whether a file with secrets is private."""

import os
import stat

GROUP_AND_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def is_open(status: os.stat_result) -> bool:
    """Return whether users other than the owner may read or change a file.

    Where the owner is root, a group may read it: Kubernetes and others pass secrets to non-root processes so.
    """
    allowed = stat.S_IRGRP if status.st_uid == 0 else 0
    return bool(status.st_mode & GROUP_AND_OTHERS & ~allowed)
