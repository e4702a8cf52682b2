"""A process in which Linux behaves as Windows does, as far as Python can tell.

What POSIX alone has is gone; a folder cannot be opened; a file that this process holds open can be neither renamed nor
removed; a rename does not replace what is there. It stands for a machine that the tests do not have.
"""

AS_ON_WINDOWS = r"""
import errno, os, signal, sys, warnings

for module in ("fcntl", "resource", "pwd", "grp"):
    sys.modules[module] = None
import pathlib, shutil, subprocess, tempfile, threading
shutil._use_fd_functions = False
warnings.filterwarnings("ignore", message="only soft file lock")  # of filelock, on a POSIX without fcntl
for name in ("O_NOFOLLOW", "O_DIRECTORY", "O_NONBLOCK", "O_CLOEXEC", "geteuid", "getuid", "getgid", "posix_fallocate",
             "pread", "chown", "fchown", "fchmod", "sched_getaffinity", "sync", "link"):
    if hasattr(os, name):
        delattr(os, name)
os.supports_dir_fd.clear()
del signal.SIGHUP

opened, renamed, replaced, unlinked = os.open, os.rename, os.replace, os.unlink

def refuse(path):
    raise PermissionError(errno.EACCES, "a file that is open, or a folder", path)

def check_closed(path):
    for entry in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{entry}")
        except OSError:
            continue
        if target == os.path.realpath(os.fsdecode(path)):
            refuse(path)

def open_(path, flags, mode=0o777, *, dir_fd=None):
    if dir_fd is not None or os.path.isdir(path):
        refuse(path)
    return opened(path, flags, mode)

def rename_(source, target, **more):
    check_closed(source)
    if more or os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, "a rename replaces nothing", source, None, target)
    return renamed(source, target)

def replace_(source, target, **more):
    check_closed(source), check_closed(target)
    return refuse(source) if more else replaced(source, target)

def unlink_(path, *, dir_fd=None):
    check_closed(path)
    return refuse(path) if dir_fd is not None else unlinked(path)

os.open, os.rename, os.replace, os.unlink, os.remove = open_, rename_, replace_, unlink_, unlink_
from pipcli.media import portable
portable.IS_WINDOWS = portable.LOCKS_STOP_OTHERS = True
"""
