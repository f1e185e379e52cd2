"""Widgets that know nothing of libvirt, each usable alone."""
