#!/bin/sh
# A vantage (10.9.0.2), a firewall (10.9.0.1) that refuses in every way that there is, and a host behind it (10.8.0.2), which
# refuses by itself; then the words that follow. Run it in a network and mount namespace of its own.
set -e
mount -t tmpfs run /run
ip netns add firewall
ip netns add target
ip link set lo up
ip link add outer type veth peer name near netns firewall
ip -n firewall link add far type veth peer name inner netns target
ip addr add 10.9.0.2/24 dev outer
ip addr add fd10:9::2/64 dev outer nodad
ip -n firewall addr add 10.9.0.1/24 dev near
ip -n firewall addr add fd10:9::1/64 dev near nodad
ip -n firewall addr add 10.8.0.1/24 dev far
ip -n firewall addr add fd10:8::1/64 dev far nodad
ip -n target addr add 10.8.0.2/24 dev inner
ip -n target addr add fd10:8::2/64 dev inner nodad
ip link set outer up
for end in near far; do ip -n firewall link set "$end" up; done
ip -n target link set inner up
ip route add default via 10.9.0.1
ip route add default via fd10:9::1
ip -n target route add default via 10.8.0.1
ip -n target route add default via fd10:8::1
ip netns exec firewall sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'
ip netns exec firewall nft -f - <<'RULES'
table inet refusing {
    chain forward {
        type filter hook forward priority filter;
        tcp dport 11 reject with tcp reset
        tcp dport 12 reject with icmpx type port-unreachable
        tcp dport 13 reject with icmpx type admin-prohibited
        tcp dport 14 reject with icmpx type host-unreachable
        tcp dport 15 drop
        icmp type echo-request ip daddr 10.8.0.3 reject with icmpx type admin-prohibited
        icmpv6 type echo-request ip6 daddr fd10:8::3 reject with icmpx type admin-prohibited
    }
}
RULES
exec "$@"
