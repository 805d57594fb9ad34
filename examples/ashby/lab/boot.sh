#!/bin/sh
# Boots one node of Ashby's lab: `boot.sh NODE`. Run again at every restart, so it starts from nothing.
set -eu
here=${0%/*}
python=${PYTHON:-python3}
export PYTHONDONTWRITEBYTECODE=1

host() { # host IPV4/LENGTH GATEWAY: an end node with one way out
  ip addr add "$1" dev eth1
  ip link set eth1 up
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

daemon() { # daemon NAME COMMAND...: its process id and its log are in /run
  name=$1
  shift
  setsid "$@" >"/run/$name.log" 2>&1 </dev/null &
  echo $! >"/run/$name.pid"
}

service() { # service ARGUMENTS...
  daemon service "$python" /run/programs/service.py "$@"
}

firewall() { # firewall LETTER NUMBER: addresses, saved configuration, account, host key, rules, sshd, VRRP
  for link in eth1 eth2; do
    ip link set "$link" addrgenmode none
    ip link set "$link" up
  done
  ip addr add "10.70.0.$2/24" dev eth1
  ip addr add "fe80::70:$1/64" dev eth1 nodad
  ip addr add "10.71.0.$2/24" dev eth2
  if [ ! -e /etc/lab-has-booted ]; then
    cp --remove-destination "$here/fw/firewall.nft" /etc/nftables.conf
    : >/etc/lab-has-booted
  fi
  /usr/sbin/nft -f /etc/nftables.conf
  mkdir -p /run/sshd
  /usr/sbin/sshd -f "$here/fw/sshd_config" -o "ListenAddress=192.168.98.$(($2 - 1))"
  daemon keepalived keepalived --vrrp --dont-fork --log-console --log-detail --use-file "$here/fw/keepalived-$1.conf" --pid /run/keepalived.lock --vrrp_pid /run/vrrp.lock
}

ip link set lo up
case "$1" in
  sw-offices) switch eth1 eth2 eth3 ;;
  sw-station) switch eth1 eth2 eth3 eth4 eth5 ;;
  office)
    host 10.70.0.20/24 10.70.0.1
    service --name forecast --port 8080 --path /forecast
    ;;
  fw-a) firewall a 2 ;;
  fw-b) firewall b 3 ;;
  plc-pump)
    host 10.71.0.11/24 10.71.0.1
    daemon plc "$python" /run/programs/plc.py --process filler
    ;;
  historian)
    host 10.71.0.20/24 10.71.0.1
    service --name historian --port 8080 --path /api/levels
    ;;
  ops) host 10.71.0.30/24 10.71.0.1 ;;
  *)
    echo "boot.sh: no node $1" >&2
    exit 2
    ;;
esac
