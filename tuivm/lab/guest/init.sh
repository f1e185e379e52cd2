#!/bin/sh
# Process 1 of the Lab's guest: loads drivers, then runs the agent.
#
# Drivers are loaded by the modalias of each device, as udev does; a driver uncovers devices of the
# next bus (USB, SCSI), so this goes on in the background until nothing new has come for 5 s, or
# until the agent makes the file /quiet: nothing may disturb what it measures.
/bin/busybox --install -s /bin
export PATH=/bin:/usr/bin LD_LIBRARY_PATH=/libs
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
. /drivers.sh

say() { echo "tuivm-lab: $*" >/dev/console; }

loaded=
add() {
  chain_of "$1"
  for module in $chain; do
    case " $loaded " in *" $module "*) continue ;; esac
    loaded="$loaded $module"
    insmod "/modules/$module.ko" $(options_of "$module") 2>/dev/null
  done
}

# Waits of seconds for hardware that QEMU's models do not need.
options_of() {
  case $1 in
    sym53c8xx) echo settle=0 ;;
    usb_storage) echo delay_use=0 ;;
  esac
}

# Under emulation a process takes as long as a hundred reads, so none is started for it; and while
# the number of devices is the same, nothing is read.
devices=0
seen=
pass() {
  set -- /sys/bus/*/devices/*/modalias
  news=
  [ $# = "$devices" ] && return
  devices=$#
  for file in "$@"; do
    read -r alias 2>/dev/null <"$file" || continue
    case "$seen" in *" $alias "*) continue ;; esac
    seen="$seen $alias "
    news=1
    driver_of "$alias"
    [ -n "$driver" ] && add "$driver"
  done
}

# The agent's own line first: it starts while the other drivers wait for their devices.
for driver in $always; do add "$driver"; done
(
  idle=0
  while [ "$idle" -lt 20 ] && [ ! -e /quiet ]; do
    pass
    if [ -n "$news" ]; then idle=0; else idle=$((idle + 1)); usleep 250000; fi
  done
) &

python3 -I -S /agent/main.py </dev/null >/dev/console 2>&1
say "the agent ended with status $?"
poweroff -f
