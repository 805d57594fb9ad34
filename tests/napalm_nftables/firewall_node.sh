# Runs as the first process of a namespace of its own: a firewall with sshd, and three hosts around it.
# Everything below /etc, /root, /home and /run is a copy that dies with this process.
set -e
mount --make-rprivate /
T=$(mktemp -d /tmp/firewall-node.XXXXXX)
mount -t tmpfs tmpfs "$T"
for d in etc root home var; do
  mkdir -p "$T/$d.u" "$T/$d.w"
  mount -t overlay overlay -o "lowerdir=/$d,upperdir=$T/$d.u,workdir=$T/$d.w" "/$d"
done
mount -t tmpfs tmpfs /run
mount -t proc proc /proc
mount -t sysfs sysfs /sys
umount -l "$T" && rmdir "$T"
# What this machine's own root runs at a login, which may wait for anything, is no part of a firewall.
rm -f ~root/.bashrc ~root/.profile ~root/.bash_profile ~root/.bash_login
hostname fw
echo "127.0.0.1 localhost fw" > /etc/hosts
: > /etc/resolv.conf
ip link set lo up
sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
sysctl -qw net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.accept_dad=0
mkdir -p /run/netns /run/sshd

host() { # name, interface on the firewall, v4 prefix, v6 prefix
  ip netns add "$1"
  ip link add "$2" type veth peer name eth0 netns "$1"
  ip addr add "$3.1/24" dev "$2"; ip addr add "$4::1/64" dev "$2" nodad; ip link set "$2" up
  ip -n "$1" link set lo up
  ip -n "$1" addr add "$3.10/24" dev eth0; ip -n "$1" addr add "$4::10/64" dev eth0 nodad; ip -n "$1" link set eth0 up
  ip -n "$1" route add default via "$3.1"; ip -n "$1" -6 route add default via "$4::1"
}
host corporate eth1 10.10.0 fd10:10
host dmz eth3 10.20.0 fd10:20
host line3 eth4 10.40.0 fd10:40

useradd -m -s /bin/sh drill
echo "drill:$DRILL_PASSWORD" | chpasswd
mkdir -p /home/drill/.ssh ~root/.ssh
echo "$DRILL_KEY" > /home/drill/.ssh/authorized_keys
echo "$DRILL_KEY" > ~root/.ssh/authorized_keys
cat > /etc/sudoers.d/drill <<'SUDO'
Defaults:drill env_keep += "HOME"
drill ALL=(root) NOPASSWD: /usr/sbin/nft, /usr/local/sbin/nft-odd, /usr/bin/unshare, /bin/sh
SUDO
chmod 440 /etc/sudoers.d/drill
for k in known other; do ssh-keygen -q -t ed25519 -N '' -f "/etc/ssh/$k"; done
ssh-keygen -q -t rsa -b 2048 -N '' -f /etc/ssh/rsa
cat > /etc/ssh/sshd_test <<'SSHD'
ListenAddress 127.0.0.1
UsePAM no
UseDNS no
StrictModes no
PermitRootLogin prohibit-password
MaxSessions 20
LogLevel VERBOSE
PidFile none
SSHD
/usr/sbin/sshd -f /etc/ssh/sshd_test -o Port=22 -o HostKey=/etc/ssh/known -E /run/sshd.log
/usr/sbin/sshd -f /etc/ssh/sshd_test -o Port=23 -o HostKey=/etc/ssh/other -E /run/sshd-other.log
/usr/sbin/sshd -f /etc/ssh/sshd_test -o Port=26 -o HostKey=/etc/ssh/known -o HostKey=/etc/ssh/rsa -E /run/sshd-both.log
cat > /etc/nftables.conf <<'NFT'
flush ruleset
table inet site {
  set seen { type ipv4_addr; flags dynamic,timeout; timeout 1h; }
  chain forward {
    type filter hook forward priority filter; policy drop;
    ip saddr != 0.0.0.0 update @seen { ip saddr }
    ct state established,related counter accept
    ip protocol { tcp, udp, icmp } counter accept comment "site rule"
    meta l4proto { tcp, udp, ipv6-icmp } counter accept
  }
  chain input { type filter hook input priority filter; policy accept; iif "lo" accept; counter; }
}
NFT
nft -f /etc/nftables.conf
echo ready
exec sleep infinity
