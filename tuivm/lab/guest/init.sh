#!/bin/sh
# Process 1 of the Lab's guest: loads drivers, then runs the agent.
#
# Drivers are loaded by the modalias of each device, as udev does; a driver uncovers devices of the
# next bus (USB, SCSI), so this goes on in the background until nothing new has come for a while,
# or until the agent makes the file /quiet: nothing may disturb what it measures.
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
    insmod "/modules/$module.ko" 2>/dev/null
    loaded="$loaded $module"
  done
}

# No process is started for it: under emulation each takes as long as a hundred of these reads.
seen=
pass() {
  news=
  for file in /sys/bus/*/devices/*/modalias; do
    read -r alias 2>/dev/null <"$file" || continue
    case "$seen" in *" $alias "*) continue ;; esac
    seen="$seen $alias "
    news=1
    driver_of "$alias"
    [ -n "$driver" ] && add "$driver"
  done
}

for driver in $always; do add "$driver"; done
pass
while [ -n "$news" ]; do pass; done
(
  idle=0
  while [ "$idle" -lt 50 ] && [ ! -e /quiet ]; do
    usleep 200000
    pass
    if [ -n "$news" ]; then idle=0; else idle=$((idle + 1)); fi
  done
) &

python3 -I -S /agent/main.py </dev/null >/dev/console 2>&1
say "the agent ended with status $?"
poweroff -f
