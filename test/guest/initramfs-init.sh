#!/bin/sh
# First program of the guest: makes the host's root visible, read-only with a layer in memory over it, and goes on there.
# The kernel's command line says where the project is (berth.home), and its folder of the guest (berth.guest).
mount -t proc proc /proc
for word in $(cat /proc/cmdline); do
  case $word in berth.*=*) export "$(echo "${word%%=*}" | tr . _)=${word#*=}" ;; esac
done
for module in virtio_pci 9pnet_virtio 9p overlay; do modprobe $module || echo "no module $module"; done
mkdir -p /host /layer /root
mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=512000 host /host
mount -t tmpfs -o size=90% layer /layer
mkdir /layer/upper /layer/work
mount -t overlay -o lowerdir=/host,upperdir=/layer/upper,workdir=/layer/work overlay /root
for folder in berth lib/modules; do mkdir -p "/root/$folder"; done
mount --bind "/host$berth_home" /root/berth
mount --bind "/host$berth_guest/tree/lib/modules" /root/lib/modules
umount /proc
exec switch_root /root /bin/sh /berth/test/guest/init.sh
