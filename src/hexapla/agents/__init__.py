"""Programs that speak to a model: what each of them needs to be pointed at this gateway, once or for good.

    tool        what is said of a program          door      where it is pointed at
    claude_code, codex, gemini_cli, opencode, aider  one program each: `launch` for one run, `lasting` for its own files
    tools       the table of them                  start     starts one: files, environment, signals, exit code
    probe       whether a gateway is there         document  a configuration file, edited so that the rest of it stays
    connect     lasting configuration, with a backup and a way back

What a vendor documents stands in its program's file, with the version that it was tried with.
"""
