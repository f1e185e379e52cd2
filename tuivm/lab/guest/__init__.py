"""What runs inside the appliance: the agent that carries out the Lab's orders.

The files are copied to a directory of the appliance's initramfs, and `main.py` there is started
with `python3 -I -S`. Only the standard library, and little of it: Python starts under emulation,
where an import costs twenty times as much. Nothing here imports the rest of tuivm; modules import
each other relatively, so that they are `tuivm.lab.guest.…` here and `agent.…` there.
"""
