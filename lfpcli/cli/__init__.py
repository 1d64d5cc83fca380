"""The commands, one small file each: arguments in, library calls, messages out."""
