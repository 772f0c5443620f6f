#!/bin/sh
# The tiny image's first process. busybox's power button daemon and DHCP client call it back, by other arguments.
export PATH=/bin HOME=/ TERM=linux

case "$0 $1" in
*PWRF/*)
    sync
    poweroff -f
    ;;
*" bound" | *" renew")
    ip address flush dev "$interface"
    ip address add "$ip/${mask:-24}" dev "$interface"
    for gateway in $router; do ip route add default via "$gateway"; done
    echo "ADDRESS $interface $ip" >/dev/console
    exit
    ;;
*" deconfig" | *" leasefail" | *" nak")
    exit
    ;;
esac

/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null
mkdir -p /dev/pts
mount -t devpts pts /dev/pts
for module in /lib/modules/*.ko; do insmod "$module"; done
hostname capsul
ip link set lo up
acpid -l /var/log/acpid >/dev/null 2>&1
if [ -e /sys/class/net/eth0 ]; then
    ip link set eth0 up
    udhcpc -i eth0 -s /init -b >/dev/null 2>&1 &
fi
echo "READY after $(cut -d ' ' -f 1 /proc/uptime) s"
while :; do
    setsid sh -c 'exec sh -i </dev/ttyS0 >/dev/ttyS0 2>&1'
done
