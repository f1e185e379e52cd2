#!/bin/sh
# Process 1 of the test appliance. Kernel command line: load=WORD[,WORD]... with
#   disk  read from and write to every disk        net   broadcast on every NIC
#   cpu   one busy loop a vCPU                     deaf  do not react to the power button
#   none  sit still                                sleep suspend itself to memory (S3), once
#   agent  run the guest agent, where it is part of the initramfs
#   mute   be on the guest agent's port, and never answer
#   shell  have a shell on the first serial port
#   orders  do as the lines on the virtio port tuivm.orders say:
#             read MIB COUNT, write MIB COUNT  so many direct requests of 4 KiB, on the disk whose
#                                              size in MiB is that
#             send MAC COUNT                   so many pings of 1400 bytes, broadcast on that NIC
#             end all                          stop all reading and writing
#           and answer each that is over with "done VERB WHICH"
# and pause=MICROSECONDS between two bursts of disk load. Disks are overwritten.
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
. /drivers.sh

load=none
pause=50000
for word in $(cat /proc/cmdline); do
  case $word in
    load=*) load=${word#load=} ;;
    pause=*) pause=${word#pause=} ;;
  esac
done

wants() { case ",$load," in *",$1,"*) ;; *) return 1 ;; esac }

say() { echo "tuivm-appliance: $*" >/dev/console; }

loaded=
add() {
  chain_of "$1"
  for module in $chain; do
    case " $loaded " in *" $module "*) continue ;; esac
    insmod "/modules/$module.ko" 2>/dev/null
    loaded="$loaded $module"
  done
}

# Loading one driver uncovers devices of the next bus, so this is run again and again.
drivers() {
  for file in $(find /sys/devices -name modalias); do
    read -r alias 2>/dev/null <"$file" || continue
    driver_of "$alias"
    [ -n "$driver" ] && add "$driver"
  done
}

disk_load() {
  say "load disk $1"
  read -r read_only <"/sys/block/$1/ro"
  while :; do
    dd if="/dev/$1" of=/dev/null bs=4k count=64 iflag=direct
    [ "$read_only" = 0 ] && dd if=/dev/zero of="/dev/$1" bs=4k count=32 oflag=direct
    usleep "$pause"
  done >/dev/null 2>&1
}

# The address is made of the MAC's last byte: guests on one segment hear each other.
net_load() {
  say "load net $1"
  read -r mac <"/sys/class/net/$1/address"
  ip address add "10.77.0.$((0x${mac##*:} % 254 + 1))/24" broadcast 10.77.0.255 dev "$1"
  ip link set "$1" up
  ping -q -i 0.05 -s 1400 -I "$1" 10.77.0.255 >/dev/null 2>&1
}

# Names depend on the order in which drivers find devices; sizes and addresses do not. A device
# whose driver is not loaded yet is waited for.
named() { # FILE VALUE PATH...
  while :; do
    for path in $3; do
      read -r value 2>/dev/null <"$path/$1" && [ "$value" = "$2" ] && echo "${path##*/}" && return
    done
    usleep 100000
  done
}

disk_of() { named size $(($1 * 2048)) '/sys/block/*'; }
port_of() {
  found=/dev/$(named name "$1" '/sys/class/virtio-ports/*')
  until [ -c "$found" ]; do usleep 100000; done
  echo "$found"
}
nic_of() { named address "$1" '/sys/class/net/*'; }

send_pings() { # NIC COUNT
  echo 1 >"/proc/sys/net/ipv6/conf/$1/disable_ipv6"
  read -r mac <"/sys/class/net/$1/address"
  ip address add "10.77.0.$((0x${mac##*:} % 254 + 1))/24" broadcast 10.77.0.255 dev "$1"
  ip link set "$1" up
  until [ "$(cat "/sys/class/net/$1/carrier")" = 1 ]; do usleep 100000; done
  ping -q -c "$2" -i 0.01 -W 1 -s 1400 -I "$1" 10.77.0.255
  ip link set "$1" down
}

carry_out() { # VERB WHICH COUNT
  case $1 in
    read) dd if="/dev/$(disk_of "$2")" of=/dev/null bs=4k count="$3" iflag=direct ;;
    write) dd if=/dev/zero of="/dev/$(disk_of "$2")" bs=4k count="$3" oflag=direct ;;
    send) send_pings "$(nic_of "$2")" "$3" ;;
    end) killall dd ;;
  esac >/dev/console 2>&1
  echo "done $1 $2" >&6
}

# Not a serial port: that loses characters while the guest is busy.
orders() {
  exec 6<>"$(port_of tuivm.orders)"
  say "takes orders"
  while :; do
    while read -r verb which count; do
      carry_out "$verb" "$which" "$count" &
    done <&6
    # Nobody is at the other end.
    usleep 100000
  done
}

agent() {
  port=$(port_of org.qemu.guest_agent.0)
  say "runs the agent"
  qemu-ga --method=virtio-serial --path="$port" --statedir=/ --pidfile=/agent.pid >/dev/console 2>&1
}

mute() {
  exec 7<>"$(port_of org.qemu.guest_agent.0)"
  while :; do sleep 60; done
}

# Started anew when it ends, as a getty would.
shell() {
  while :; do
    setsid sh -c 'exec sh -i </dev/ttyS0 >/dev/ttyS0 2>&1'
    usleep 100000
  done
}

started=
once() { # NAME COMMAND...: in the background, the first time only
  case " $started " in *" $1 "*) return ;; esac
  started="$started $1"
  shift
  "$@" &
}

loads() {
  wants disk && for path in /sys/block/vd* /sys/block/sd* /sys/block/nvme*; do
    [ -e "$path" ] && once "disk-${path##*/}" disk_load "${path##*/}"
  done
  wants orders && once orders orders
  wants agent && once agent agent
  wants mute && once mute mute
  wants shell && once shell shell
  wants net && for path in /sys/class/net/eth*; do
    [ -e "$path" ] && once "net-${path##*/}" net_load "${path##*/}"
  done
}

busy() { while :; do :; done; }

power_button() {
  head -c 1 <&5 >/dev/null
  say "power button"
  poweroff -f
}

buttons() {
  for path in /sys/class/input/event*; do
    read -r name 2>/dev/null <"$path/device/name" || continue
    [ "$name" = "Power Button" ] || continue
    # Opened here and not in the background: whoever reads "ready" may press it at once.
    exec 5<"/dev/input/${path##*/}"
    once "${path##*/}" power_button
  done
}

wants cpu && for cpu in /sys/devices/system/cpu/cpu[0-9]*; do busy & done
drivers
wants deaf || { add button; add evdev; buttons; }
loads
say ready
wants sleep && echo mem >/sys/power/state
while :; do
  drivers
  loads
  wants deaf || buttons
  sleep 1
done
