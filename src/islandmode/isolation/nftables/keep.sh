# Keeps interfaces of this firewall down exactly as long as a run's nft tables isolate, and puts everything back after that.
#
# Two of these run while a drill is armed. Both put an interface up again when its table's timer has ended or the table is gone; only
# the first takes one down. So the dead-man is nft's own timer, and either of the two is enough to follow it.
#
#   start MOMENT RUN TABLE,INTERFACE...   before MOMENT of the uptime (in 1/100 s): begin both
#   keep NUMBER RUN TABLE,INTERFACE...    be one of them
#   undo RUN|any                          put back what a run took down, or any run; for people too
#   look INTERFACE...                     say which of them live, what is held down, and which interfaces are up
D=/run/islandmode-hard
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH LC_ALL=C
umask 077
DAEMONS=' kernel ra redirect zebra bgp ospf isis rip eigrp bird babel openr keepalived 186 187 188 189 192 196 '

there() { # RUN TABLE INTERFACE SET: is the table this run's, and the interface's own pair in the set
    nft list counter inet "$2" "by_$1" >/dev/null 2>&1 && nft get element inet "$2" "$4" "{ \"$3\" . \"$3\" }" >/dev/null 2>&1
}

surely() { # nft may fail for a moment; twice in a row it is gone
    there "$@" || { sleep 0.1; there "$@"; }
}

read_all() { # INTERFACE FOLDER: what it loses when it goes down. Routes of routing daemons are theirs to put back
    ip addr save dev "$1" >"$2/addresses" || return 1
    ip neigh show dev "$1" nud permanent | sed -n 's/^\([^ ]* lladdr [^ ]*\).*/\1 nud permanent/p' >"$2/neighbours"
    ip neigh show proxy dev "$1" | sed -n 's/^\([^ ]*\) .*/proxy \1/p' >>"$2/neighbours"
    ip -6 neigh show dev "$1" nud permanent | sed -n 's/^\([^ ]* lladdr [^ ]*\).*/\1 nud permanent/p' >>"$2/neighbours"
    for family in 4 6; do
        ip "-$family" route show table all dev "$1" | sed 's/.* proto \([^ ]*\).*/\1/;t;s/.*/boot/' | sort -u >"$2/protocols"
        while read -r protocol; do
            case "$DAEMONS" in *" $protocol "*) continue ;; esac
            ip "-$family" route save table all dev "$1" proto "$protocol" >"$2/routes$family.$protocol" || return 1
        done <"$2/protocols"
    done
    routes_told "$1" "$2" >"$2/told"
}

routes_told() { # INTERFACE FOLDER: the routes of it that are put back here, as they are now
    for saved in "$2"/routes4.* "$2"/routes6.*; do
        family=${saved##*/routes} protocol=${saved##*.}
        [ -f "$saved" ] && ip "-${family%%.*}" route show table all dev "$1" proto "$protocol"
    done | sed 's/ expires .*//;s/ linkdown//' | sort
}

is_whole() { # INTERFACE FOLDER
    [ "$(routes_told "$1" "$2")" = "$(cat "$2/told")" ]
}

take_down() { # RUN INTERFACE
    [ -d "$D/$2" ] && return
    rm -rf "$D/.new" "$D/.copy.$2"
    mkdir "$D/.new" && read_all "$2" "$D/.new" && echo "$1" >"$D/.new/run" && cp -r "$D/.new" "$D/.copy.$2" || return
    mv "$D/.new" "$D/$2" && ip link set dev "$2" down
    # A restore that came between the two has put back what was not down yet.
    [ -d "$D/$2" ] || copy_back "$2"
    rm -rf "$D/.copy.$2"
}

copy_back() { # INTERFACE
    if mv "$D/.copy.$1" "$D/$1" 2>/dev/null; then put_back "$1"; else ip link set dev "$1" up; fi
}

routes_back() { # FOLDER
    for saved in "$1"/routes4.* "$1"/routes6.*; do
        [ -s "$saved" ] && ip route restore <"$saved" >/dev/null 2>&1
    done
}

put_back() { # INTERFACE; may be done by several at once, and again
    [ -d "$D/$1" ] || return 0
    ip link set dev "$1" up || return 1
    ip addr restore <"$D/$1/addresses" >/dev/null 2>&1
    while read -r neighbour; do
        # shellcheck disable=SC2086 # words of one command
        ip neigh replace $neighbour dev "$1" 2>/dev/null
    done <"$D/$1/neighbours"
    routes_back "$D/$1"
    late="$D/.late.$1.$$"
    mv "$D/$1" "$late" 2>/dev/null || return 0
    if is_whole "$1" "$late"; then
        rm -rf "$late"
    else
        # A route from an address that the kernel still looks for twins of is refused at first.
        { sleep 2; is_whole "$1" "$late" || routes_back "$late"; sleep 2; is_whole "$1" "$late" || routes_back "$late"; rm -rf "$late"; } </dev/null >/dev/null 2>&1 &
    fi
}

held() { # the interfaces that are held down
    for folder in "$D"/*/; do
        [ -f "$folder/run" ] && basename "$folder"
    done
}

put_all_back() { # RUN|any
    for interface in $(held); do
        [ "$1" = any ] || [ "$(cat "$D/$interface/run" 2>/dev/null)" = "$1" ] && put_back "$interface"
    done
}

keeper() { # FILE: the words that it was begun with, number first, if it is there, running or stopped
    pid=$(cat "$1" 2>/dev/null) || return 1
    words=$(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null)
    case "$words" in *"$D/keep keep "*) echo "${words#*"$D/keep keep "}" ;; *) return 1 ;; esac
}

is_running() { # FILE
    case "$(sed 's/.*) //;s/ .*//' "/proc/$(cat "$1")/stat" 2>/dev/null)" in T | t | Z | X | '') return 1 ;; esac
}

has_work() { # NUMBER RUN TABLE,INTERFACE...: does it follow what nobody asked to restore
    whose=$2
    shift 2
    for pair; do
        there "$whose" "${pair%%,*}" "${pair#*,}" armed && return 0
    done
    return 1
}

living() { # RUN|any: the files of those that are there and have no work left
    for file in "$D"/keeper.*; do
        # shellcheck disable=SC2046 # words of one command
        set -- "$1" $(keeper "$file")
        [ "$3" ] || continue
        asked=$1
        shift
        if [ "$asked" = any ] || [ "$asked" = "$2" ]; then
            has_work "$@" || echo "$file"
        fi
        set -- "$asked"
    done
}

case "$1" in
start)
    moment=$2
    run=$3
    shift 3
    read -r up rest </proc/uptime
    [ "${up%.*}${up#*.}" -lt "$moment" ] || exit 75
    rm -f "$D/keeper.1.$run" "$D/keeper.2.$run"
    for number in 1 2; do
        if [ -d /run/systemd/system ]; then
            systemd-run --quiet --collect --unit="islandmode-hard-$number-$$" sh "$D/keep" keep "$number" "$run" "$@" || exit 1
        else
            setsid sh "$D/keep" keep "$number" "$run" "$@" </dev/null >/dev/null 2>&1 &
        fi
    done
    looks=0
    while [ "$looks" -lt 80 ]; do
        keeper "$D/keeper.1.$run" >/dev/null && keeper "$D/keeper.2.$run" >/dev/null && exit 0
        looks=$((looks + 1))
        sleep 0.1
    done
    exit 1
    ;;
keep)
    number=$2
    run=$3
    shift 3
    trap '' HUP
    trap 'put_all_back "$run"; exit 0' TERM INT
    own=$D/keeper.$number.$run
    echo "$$" >"$own"
    while :; do
        # First what is held, then what nft says: what was taken down before that look was isolated before it.
        before=" $(held | tr '\n' ' ') "
        armed='' wanted=' '
        for pair; do
            table=${pair%%,*} interface=${pair#*,}
            if surely "$run" "$table" "$interface" armed; then
                armed=1
                case "$before" in *" $interface "*) look=surely ;; *) look=there ;; esac
                "$look" "$run" "$table" "$interface" hold && wanted="$wanted$interface "
            fi
        done
        [ "$armed" ] || break
        for pair; do
            interface=${pair#*,}
            case "$wanted" in
            *" $interface "*) [ "$number" = 1 ] && take_down "$run" "$interface" ;;
            *) case "$before" in *" $interface "*) put_back "$interface" ;; esac ;;
            esac
        done
        sleep 0.2
    done
    put_all_back "$run"
    [ "$(cat "$own" 2>/dev/null)" = "$$" ] && rm -f "$own"
    wait
    ;;
undo)
    put_all_back "$2"
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do
        [ "$(living "$2")" ] || break
        sleep 0.1
    done
    # One that was stopped, or hangs, perhaps in the middle of taking an interface down.
    for file in $(living "$2"); do
        kill -9 "$(cat "$file")" 2>/dev/null
        for copy in "$D"/.copy.*; do
            interface=${copy##*/.copy.}
            [ "$(cat "$copy/run" 2>/dev/null)" = "${file##*/keeper.?.}" ] && [ ! -d "$D/$interface" ] && copy_back "$interface"
        done
        rm -f "$file"
    done
    put_all_back "$2"
    exit 0
    ;;
look)
    shift
    for file in "$D"/keeper.*; do
        words=$(keeper "$file") && is_running "$file" && echo "keeper $words"
    done
    for interface in $(held); do
        echo "held $interface $(cat "$D/$interface/run" 2>/dev/null)"
    done
    for interface; do
        flags=$(cat "/sys/class/net/$interface/flags" 2>/dev/null) && [ $((flags & 1)) = 0 ] && echo "down $interface"
    done
    echo end
    ;;
esac
