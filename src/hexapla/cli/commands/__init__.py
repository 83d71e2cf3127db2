"""The commands, one file each: `run(arguments, say) -> exit code`."""
