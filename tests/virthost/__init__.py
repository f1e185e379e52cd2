"""End to end on the virtual host: `tuivm.virthost`."""
