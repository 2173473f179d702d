"""What is raised for a file that cannot be used; a module of its own, since a plain calculation loads nothing about files."""


class FileTrouble(Exception):
    """A file that cannot be read or written; the text is one line that names it."""
