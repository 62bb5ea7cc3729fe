"""How a mend changes ministack: checked, so that another version or another patch is refused and never half applied."""

import functools
import hashlib
import inspect
import itertools
import linecache

VERSION = "1.5.33"

_edits = itertools.count(1)


class ShapeError(Exception):
    """What a mend changes is not what the mend was written for."""


def check_version() -> None:
    """Refuse any ministack but the one the mends were written for."""
    from importlib.metadata import version

    found = version("ministack")
    if found != VERSION:
        raise ShapeError(
            f"the mends are written for ministack {VERSION}, but {found} is installed: install requirements.txt, "
            "or check each mend against the new version and change VERSION in patching.py")


def digest_of(function) -> str:
    """The first 12 hex digits of the SHA-256 of a function's source as ministack has it, edited here or not."""
    return getattr(function, "source_digest", None) or hashlib.sha256(inspect.getsource(function).encode()).hexdigest()[:12]


def expect(function, digest: str) -> None:
    """Check that a function's source is the one a mend was written for."""
    found = digest_of(function)
    if found != digest:
        raise ShapeError(f"{function.__module__}.{function.__qualname__} has source digest {found}, the mend expects {digest}")


def wrap(owner, name: str, digest: str, wrapper) -> None:
    """Put `wrapper(original, *args, **kwargs)` in the place of owner.name, whose source must be the expected one."""
    original = getattr(owner, name)
    expect(original, digest)

    @functools.wraps(original)
    def wrapped(*args, **kwargs):
        return wrapper(original, *args, **kwargs)

    setattr(owner, name, wrapped)


def edit(module, name: str, *changes: tuple[str, str], **helpers) -> None:
    """Replace pieces of a module function's source: each old piece must stand in it exactly once.

    `helpers` become globals of the module, for the new pieces to call. An edited function can be edited again, but
    not one that is already wrapped: its wrapper would be lost.
    """
    function = getattr(module, name)
    if hasattr(function, "__wrapped__"):
        raise ShapeError(f"{module.__name__}.{name} is wrapped already: edit before wrapping")
    digest, source = digest_of(function), inspect.getsource(function)
    for old, new in changes:
        if source.count(old) != 1:
            raise ShapeError(f"{module.__name__}.{name} does not hold this exactly once:\n{old}")
        source = source.replace(old, new)
    for helper, value in helpers.items():
        if helper in vars(module):
            raise ShapeError(f"{module.__name__} already has a {helper}")
        setattr(module, helper, value)
    # A file name of its own: tracebacks and a later edit see the edited source.
    filename = f"<edit {next(_edits)} of {module.__name__}.{name}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    exec(compile(source, filename, "exec"), vars(module))
    getattr(module, name).source_digest = digest
