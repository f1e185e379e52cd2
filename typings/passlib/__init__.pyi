"""Types of libpass, as far as tuivm uses it."""
