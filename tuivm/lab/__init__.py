"""The Lab: measures device models on a host, with small guests made for it.

- `kernel`, `modules`, `cpio`, `userland`, `appliance`: build the guest's kernel and initramfs.
- `guest/`: what runs inside the appliance (plain Python, no import of the rest of tuivm).
- `models`, `experiments`, `domain`: subjects, plans, and domain XML.
- `runner`, `schedule`, `trace`, `fairness`: the run.
- `ports`: what the Lab needs of a host; `tuivm.hypervisor` has it for libvirt.

Works with neither Textual nor libvirt. Everything here blocks: it runs on a thread of its own.
"""
