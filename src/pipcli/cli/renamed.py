"""Options by the names that they had in earlier versions: taken as before, with a line that says the new name."""

from collections.abc import Callable, Sequence

# By the words of the command: the old name and the new one.
RENAMED = {
    ("deblur",): {"--kernel": "--kernel-file"},  # --kernel is the name of a down-sampling kernel everywhere
    ("degrade", "blur"): {"--kernel": "--kernel-file", "--kernel-output": "--save-kernel"},
}


def with_new_names(arguments: Sequence[str], say: Callable[[str], None]) -> list[str]:
    """Return a command line with the old names of options replaced, and say each that was.

    Args:
        arguments: the words after the program's name.
        say: takes a line for the user.
    """
    names = next((new for words, new in RENAMED.items() if tuple(arguments[: len(words)]) == words), {})
    replaced = list(arguments)
    for index, argument in enumerate(arguments):
        if argument == "--":
            break
        name, equals, value = argument.partition("=")
        if name in names:
            say(f"{name} is called {names[name]} now")
            replaced[index] = names[name] + equals + value
    return replaced
