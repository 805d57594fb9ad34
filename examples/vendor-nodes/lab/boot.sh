#!/bin/sh
# Boots one Linux node of these labs: `boot.sh NODE`. Run again at every restart, so it starts from nothing.
set -eu
here=${0%/*}
python=${PYTHON:-python3}
export PYTHONDONTWRITEBYTECODE=1

address() { # address DEVICE IPV4/LENGTH
  ip addr add "$2" dev "$1"
  ip link set "$1" up
}

host() { # host IPV4/LENGTH GATEWAY: an end node with one way out
  address eth1 "$1"
  ip route add default via "$2"
}

program() { # program NAME ARGUMENTS...: a daemon of the simulated plant; its log is /run/NAME.log
  name=$1
  shift
  setsid "$python" "/run/programs/$name.py" "$@" >"/run/$name.log" 2>&1 </dev/null &
  echo $! >"/run/$name.pid"
}

ip link set lo up
# A container engine makes the management network the way out for everything, which it must not be.
ip route del default dev eth0 2>/dev/null || true
case "$1" in
  office)
    host 10.10.0.10/24 10.10.0.1
    program service --name planning --port 8080 --pull http://10.20.0.20:8080/api/tags
    ;;
  sw-line)
    ip link add br0 type bridge forward_delay 0 mcast_snooping 0
    for port in eth1 eth2 eth3 eth4; do
      ip link set "$port" master br0
      ip link set "$port" up
    done
    ip link set br0 up
    ;;
  plc)
    host 10.20.0.50/24 10.20.0.1
    program plc --process filler
    ;;
  hmi)
    host 10.20.0.20/24 10.20.0.1
    program hmi --plc plc=10.20.0.50
    ;;
  ops) host 10.20.0.9/24 10.20.0.1 ;;
  fw) # only in nftables.clab.yml; a vendor's node has a startup-config in its place
    address eth1 10.10.0.1/24
    address eth2 10.20.0.1/24
    if [ ! -e /etc/lab-has-booted ]; then
      cp --remove-destination "$here/config/nftables.conf" /etc/nftables.conf
      : >/etc/lab-has-booted
    fi
    if [ -e /run/own/host_key ]; then # in containers; in namespaces key and account are in /etc already
      install -m 600 /run/own/host_key /etc/ssh/lab_host_key
      chpasswd -e </run/own/account
    fi
    /usr/sbin/nft -f /etc/nftables.conf
    mkdir -p /run/sshd
    /usr/sbin/sshd -f "$here/config/sshd_config"
    ;;
  *)
    echo "boot.sh: no node $1" >&2
    exit 2
    ;;
esac
