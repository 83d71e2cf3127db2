"""The command line.  Parsing is light, so that `--help` is instant; a command's own module is loaded when it runs."""
