"""Pure functions that read, build and edit libvirt XML."""
