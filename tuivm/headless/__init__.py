"""The commands without a user interface: hosts, list, stats, check."""
