"""What is raised for a file that cannot be used or a command line that makes no sense; needs no library."""


class FileTrouble(Exception):
    """A file that cannot be read or written; the text is one line that names it."""


class UsageTrouble(Exception):
    """What the command line asks for cannot be done; the text is one line."""
