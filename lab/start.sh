#!/bin/sh
# Boots one node of the lab: `start.sh NODE [PROGRAM]`. Addresses and routes, then its daemons. Run again at every
# restart, so it starts from nothing: an empty /run, links without addresses, no ruleset. PROGRAM names a third-party
# program that plays the node's part instead of the simulated plant's own; third-party.clab.yml uses it.
set -eu
here=${0%/*}
built=$here/third-party/.built
python=${PYTHON:-python3}
export PYTHONDONTWRITEBYTECODE=1

address() { # address DEVICE IPV4/LENGTH IPV6/LENGTH
  ip addr add "$2" dev "$1"
  ip addr add "$3" dev "$1" nodad
  ip link set "$1" up
}

host() { # host IPV4/LENGTH IPV6/LENGTH GATEWAY4 GATEWAY6: an end node with one way out
  address eth1 "$1" "$2"
  ip route add default via "$3"
  ip -6 route add default via "$4"
}

switch() { # switch PORT...
  ip link add br0 type bridge forward_delay 0 mcast_snooping 0
  for port in "$@"; do
    ip link set "$port" master br0
    ip link set "$port" up
  done
  ip link set br0 up
}

daemon() { # daemon NAME COMMAND...: its process id and its log are in /run
  name=$1
  shift
  setsid "$@" >"/run/$name.log" 2>&1 </dev/null &
  echo $! >"/run/$name.pid"
}

program() { # program NAME ARGUMENTS...: a daemon of the simulated plant
  name=$1
  shift
  daemon "$name" "$python" "$here/plant/$name.py" "$@"
}

need() { # need FILE: a file that lab/third-party/build makes
  [ -e "$built/$1" ] && return
  echo "$1 is not built yet; build it with: sh lab/third-party/build" >&2
  exit 1
}

first_boot() { # first_boot FILE...: put the lab's files where the node keeps its saved configuration, once
  [ -e /etc/lab-has-booted ] && return
  "$@"
  : >/etc/lab-has-booted
}

own_account() { # the host key and account of this `lab up`; in namespaces they are in /etc already
  [ -e /run/own/host_key ] || return 0
  install -m 600 /run/own/host_key /etc/ssh/lab_host_key
  chpasswd -e </run/own/account
}

# For interfaces that are there already, and where this may be written: plant.clab.yml says it for all others.
for dad in /proc/sys/net/ipv6/conf/*/accept_dad; do
  { echo 0 >"$dad"; } 2>/dev/null || true
done
ip link set lo up
# A container engine makes the management network the way out for everything, which it must not be.
ip route del default dev eth0 2>/dev/null || true
ip -6 route del default dev eth0 2>/dev/null || true
case "$*" in
  sw-corp) switch eth1 eth2 eth3 ;;
  sw-line3) switch eth1 eth2 eth3 eth4 eth5 ;;
  erp)
    host 10.10.0.10/24 fd10:10::10/64 10.10.0.1 fd10:10::1
    program service --port 8080 --name erp --path /orders --pull http://10.20.0.10:8080/api/buffer
    ;;
  office)
    host 10.10.0.20/24 fd10:10::20/64 10.10.0.1 fd10:10::1
    program legacy_client --plc 10.40.0.10
    ;;
  vendor)
    host 10.15.0.10/24 fd10:15::10/64 10.15.0.1 fd10:15::1
    program service --port 8443 --name vendor --path /telemetry
    ;;
  historian)
    host 10.20.0.10/24 fd10:20::10/64 10.20.0.1 fd10:20::1
    program historian --plc plc-mixer=10.40.0.10 --plc plc-filler=10.40.0.11
    ;;
  fw)
    address eth1 10.10.0.1/24 fd10:10::1/64
    address eth2 10.15.0.1/24 fd10:15::1/64
    address eth3 10.20.0.1/24 fd10:20::1/64
    address eth4 10.30.0.1/30 fd10:30::1/64
    ip route add 10.40.0.0/24 via 10.30.0.2
    ip -6 route add fd10:40::/64 via fd10:30::2
    first_boot cp --remove-destination "$here/fw/nftables.conf" /etc/nftables.conf
    own_account
    /usr/sbin/nft -f /etc/nftables.conf
    mkdir -p /run/sshd
    /usr/sbin/sshd -f "$here/fw/sshd_config"
    ;;
  rtr)
    first_boot cp "$here/rtr/frr.conf" /etc/frr/frr.conf
    mkdir -p /run/frr
    chown frr:frr /run/frr
    : >/etc/frr/vtysh.conf
    /usr/lib/frr/zebra -d -A 127.0.0.1 --log file:/run/zebra.log
    /usr/lib/frr/staticd -d -A 127.0.0.1 --log file:/run/staticd.log
    vtysh -b >/run/vtysh.log 2>&1
    ;;
  plc-mixer)
    host 10.40.0.10/24 fd10:40::10/64 10.40.0.1 fd10:40::1
    program plc --process mixer
    ;;
  plc-filler)
    host 10.40.0.11/24 fd10:40::11/64 10.40.0.1 fd10:40::1
    program plc --process filler
    ;;
  "plc-filler libmodbus")
    host 10.40.0.11/24 fd10:40::11/64 10.40.0.1 fd10:40::1
    need plc
    daemon plc "$built/plc"
    ;;
  hmi)
    host 10.40.0.20/24 fd10:40::20/64 10.40.0.1 fd10:40::1
    program hmi --plc plc-mixer=10.40.0.10 --plc plc-filler=10.40.0.11
    ;;
  "hmi node-red")
    host 10.40.0.20/24 fd10:40::20/64 10.40.0.1 fd10:40::1
    need node_modules/node-red/red.js
    command -v node >/dev/null || { echo "Node-RED needs node, version 18 or newer; install nodejs." >&2 && exit 1; }
    # A user folder of its own, where it looks for palettes and finds none; what it runs is in the lab's folder.
    mkdir -p /run/node-red
    echo '{}' >/run/node-red/package.json
    daemon hmi node "$built/node_modules/node-red/red.js" --settings "$here/third-party/node-red/settings.js" --userDir /run/node-red
    ;;
  ops)
    host 10.40.0.30/24 fd10:40::30/64 10.40.0.1 fd10:40::1
    ;;
  *)
    echo "start.sh: no node $*" >&2
    exit 2
    ;;
esac
