#!/bin/sh
# Boots one node of Selby's lab: `boot.sh NODE`. Run again at every restart, so it starts from nothing.
set -eu
here=${0%/*}
python=${PYTHON:-python3}
export PYTHONDONTWRITEBYTECODE=1

address() { # address DEVICE IPV4/LENGTH
  ip addr add "$2" dev "$1"
  ip link set "$1" up
}

outside() { # outside IPV4 GATEWAY NAME: a host outside, with the service that the works calls
  address eth1 "$1/24"
  ip route add default via "$2"
  daemon service "$python" /run/programs/service.py --name "$3" --port 8443 --path /now
}

inside() { # inside IPV4: a host of the works, with a way to each network outside
  address eth1 "$1/24"
  ip route add default via 10.81.0.1
  for last in 4 5 6 7 8; do # the gateway to 10.82 is 10.81.0.4, and so on
    ip route add "10.$((last + 78)).0.0/24" via "10.81.0.$last"
  done
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

first_boot() { # first_boot COMMAND...: put a saved configuration where the node keeps it, once
  [ -e /etc/lab-has-booted ] && return
  "$@"
  : >/etc/lab-has-booted
}

management() { # management LAST [OPTION...]: sshd on the management network
  [ -e /etc/ssh/lab_host_key ] || {
    echo "This lab is for namespaces: the containers' image has neither keepalived nor Ansible. Bring it up with: islandmode lab up --backend namespaces" >&2
    exit 1
  }
  address=192.168.97.$1
  shift
  mkdir -p /run/sshd
  /usr/sbin/sshd -f "$here/fw/sshd_config" -o "ListenAddress=$address" "$@"
}

firewall() { # firewall RULES OUTER INNER LAST: addresses, saved configuration, rules, sshd
  address eth1 "$2/24"
  address eth2 "$3/24"
  first_boot cp --remove-destination "$here/fw/$1.nft" /etc/nftables.conf
  /usr/sbin/nft -f /etc/nftables.conf
  management "$4"
}

member() { # member LETTER NUMBER: one of the pair
  firewall pair "10.80.0.$2" "10.81.0.$2" "$(($2 - 1))"
  daemon keepalived keepalived --vrrp --dont-fork --log-console --log-detail --use-file "$here/fw/keepalived-$1.conf" --pid /run/keepalived.lock --vrrp_pid /run/vrrp.lock
}

napalm() { # what NAPALM's driver needs beside nft: a network of its own to compare in, and where to keep a commit that waits
  echo 'islandmode ALL=(root) NOPASSWD: /usr/bin/unshare' >/etc/sudoers.d/napalm
  chmod 440 /etc/sudoers.d/napalm
  install -d -m 700 -o islandmode /run/napalm-nftables
}

save_router() { # FRR's configuration; and vtysh asks PAM about each account, which sees none of the lab's
  cp "$here/rtr/frr.conf" /etc/frr/frr.conf
  echo 'account sufficient pam_permit.so' >>/etc/pam.d/frr
}

router() { # router LAST: FRR, and sshd that gives everyone FRR's own command line
  first_boot save_router
  mkdir -p /run/frr
  chown frr:frr /run/frr
  : >/etc/frr/vtysh.conf
  /usr/lib/frr/zebra -d -A 127.0.0.1 --log file:/run/zebra.log
  /usr/lib/frr/staticd -d -A 127.0.0.1 --log file:/run/staticd.log
  vtysh -b >/run/vtysh.log 2>&1
  management "$1" -o ForceCommand=/usr/bin/vtysh
}

ip link set lo up
case "$1" in
  sw-offices) switch eth1 eth2 eth3 ;;
  sw-works) switch eth1 eth2 eth3 eth4 eth5 eth6 eth7 eth8 eth9 ;;
  office) outside 10.80.0.20 10.80.0.1 office ;;
  vendor) outside 10.82.0.10 10.82.0.1 vendor ;;
  laboratory) outside 10.83.0.10 10.83.0.1 laboratory ;;
  weighbridge) outside 10.84.0.10 10.84.0.1 weighbridge ;;
  maker) outside 10.85.0.10 10.85.0.1 maker ;;
  energy) outside 10.86.0.10 10.86.0.1 energy ;;
  fw-a) member a 2 ;;
  fw-b) member b 3 ;;
  fw-vendors) firewall single 10.82.0.1 10.81.0.4 3 ;;
  fw-laboratory)
    napalm
    firewall single 10.83.0.1 10.81.0.5 4
    ;;
  fw-weighbridge) firewall single 10.84.0.1 10.81.0.6 5 ;;
  modem)
    address eth1 10.85.0.1/24
    address eth2 10.81.0.7/24
    ;;
  rtr-energy) router 6 ;;
  plc-rollers)
    inside 10.81.0.11
    daemon plc "$python" /run/programs/plc.py --process filler
    ;;
  ops) inside 10.81.0.30 ;;
  *)
    echo "boot.sh: no node $1" >&2
    exit 2
    ;;
esac
