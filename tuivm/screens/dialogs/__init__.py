"""Questions and lists that stand over a place: one file each, all on `base.Dialog`."""
