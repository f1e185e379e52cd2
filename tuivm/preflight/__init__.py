"""Pure checks: what is asked and what the host offers in, findings out."""
