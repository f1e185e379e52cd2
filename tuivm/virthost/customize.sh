# shellcheck shell=sh
# Given to mmdebstrap as its customize hook: "$1" is the new system's root directory, TUIVM_KEY the
# public half of the key that may log in as root.
set -eu
root=$1

# A quick boot: the initramfs has the drivers of the disk with the root file system and no others.
echo 'MODULES=list' >"$root/etc/initramfs-tools/conf.d/tuivm"
printf '%s\n' virtio_pci virtio_blk ext4 >>"$root/etc/initramfs-tools/modules"
chroot "$root" update-initramfs -u -k all

echo virthost >"$root/etc/hostname"
echo '127.0.0.1 localhost virthost' >"$root/etc/hosts"
mkdir -p "$root/root/.ssh"
chmod 700 "$root/root/.ssh"
printf '%s\n' "$TUIVM_KEY" >"$root/root/.ssh/authorized_keys"

# By its driver: without predictable names the NICs are numbered in the order they are found.
printf '[Match]\nDriver=virtio_net\n\n[Network]\nDHCP=yes\n' \
    >"$root/etc/systemd/network/10-way-in.network"
echo 'options kvm_amd nested=1' >"$root/etc/modprobe.d/nested.conf"
printf '%s\n' vfio-pci kvm_amd >"$root/etc/modules-load.d/virthost.conf"

chroot "$root" systemctl enable systemd-networkd ssh
# Nothing here wants apt's or e2fsprogs' timers, and each costs seconds under emulation.
chroot "$root" systemctl mask apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer \
    e2scrub_reap.service fstrim.timer systemd-firstboot.service
