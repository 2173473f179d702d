"""The command line: options, output formats, the screen and the interactive prompt."""
