"""The commands, one a file. Heavy imports happen inside of them, so that help is instant."""
