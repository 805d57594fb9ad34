#!/bin/sh
# Boots one node of Millbrook's lab: `boot.sh NODE`. Run again at every restart, so it starts from nothing.
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

switch() { # switch PORT...
  ip link add br0 type bridge forward_delay 0 mcast_snooping 0
  for port in "$@"; do
    ip link set "$port" master br0
    ip link set "$port" up
  done
  ip link set br0 up
}

program() { # program NAME ARGUMENTS...: a daemon of the simulated plant; its log is named after all of it
  name=$1
  shift
  log=/run/$name.$(echo "$*" | tr -c 'A-Za-z0-9\n' _ | cut -c1-40)
  setsid "$python" "/run/programs/$name.py" "$@" >"$log.log" 2>&1 </dev/null &
  echo $! >"$log.pid"
}

firewall() { # firewall MANAGEMENT_ADDRESS RULESET: saved configuration, account, host key, rules, sshd
  if [ ! -e /etc/lab-has-booted ]; then
    cp --remove-destination "$here/fw/$2" /etc/nftables.conf
    : >/etc/lab-has-booted
  fi
  if [ -e /run/own/host_key ]; then # in containers; in namespaces key and account are in /etc already
    install -m 600 /run/own/host_key /etc/ssh/lab_host_key
    chpasswd -e </run/own/account
  fi
  /usr/sbin/nft -f /etc/nftables.conf
  mkdir -p /run/sshd
  /usr/sbin/sshd -f "$here/fw/sshd_config" -o "ListenAddress=$1"
}

domain_controller() { # one port for logon, one of the RPC range
  program service --name directory --port 389
  program service --name directory --port 49200
}

ip link set lo up
# A container engine makes the management network the way out for everything, which it must not be.
ip route del default dev eth0 2>/dev/null || true
case "$1" in
  sw-corp | sw-ops | sw-cell) switch eth1 eth2 eth3 ;;
  sw-dmz) switch eth1 eth2 eth3 eth4 ;;
  planning)
    host 10.60.1.20/22 10.60.0.1
    program service --name planning --port 8080 --pull http://192.168.20.10:8080/api/buffer
    ;;
  dc)
    host 10.60.2.5/22 10.60.0.1
    domain_controller
    ;;
  enterprise-fw)
    address eth1 10.60.0.1/22
    address eth2 192.168.20.1/24
    firewall 192.168.99.1 enterprise.nft
    ;;
  historian)
    host 192.168.20.10/24 192.168.20.1
    ip route add 192.168.30.0/24 via 192.168.20.2
    program service --name historian --port 8080 --path /api/buffer --pull http://192.168.30.20:8080/api/tags
    ;;
  directory)
    host 192.168.20.5/24 192.168.20.1
    ip route add 192.168.30.0/24 via 192.168.20.2
    domain_controller
    ;;
  plant-fw)
    address eth1 192.168.20.2/24
    address eth2 192.168.30.1/24
    address eth3 192.168.40.1/24
    firewall 192.168.99.2 plant.nft
    ;;
  hmi)
    host 192.168.30.20/24 192.168.30.1
    program hmi --plc plc-pasteuriser=192.168.40.11 --plc plc-filler=192.168.40.12
    ;;
  ops) host 192.168.30.30/24 192.168.30.1 ;;
  plc-pasteuriser)
    host 192.168.40.11/24 192.168.40.1
    program plc --process mixer
    ;;
  plc-filler)
    host 192.168.40.12/24 192.168.40.1
    program plc --process filler
    ;;
  *)
    echo "boot.sh: no node $1" >&2
    exit 2
    ;;
esac
