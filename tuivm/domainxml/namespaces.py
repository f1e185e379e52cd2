"""Namespaces of tuivm's own elements in the metadata of guests."""

FIRST_BOOT = "https://tuivm.invalid/first-boot/1"
"""Of the mark that `domainxml.firstboot` reads and writes; here by itself, as all XML is looked
through for it from the start of the program on."""
