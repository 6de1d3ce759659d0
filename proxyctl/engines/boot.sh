# The gateway's first process. Proxyctl sets in front of this text:
#   signal     the signal that has the proxy load its configuration anew
#   off        the word that takes a server out, set before the line's semicolon; empty: its line becomes a comment
#   start()    becomes the proxy
#
# Docker gives addresses anew at every start, so the last configuration may name an address that another site's
# container has by now. While no `watch` runs, the proxy therefore serves only addresses that Docker's DNS gives for
# the server's own container: `serve` leads to `current` where all are confirmed, else to run/boot-a or -b, a copy
# of it with the addresses of now. A `watch` holds run/watching, and lets `serve` lead to `current` before it reloads.

proxy=/proxyctl
run=$proxy/run

until [ -e $proxy/current ]; do sleep 0.1; done
rm -f $run/*.sock # of a killed predecessor: nginx cannot bind to a path that exists
set -f            # from here on no word is a pattern of file names

# ---------------------------------------------------------------- what Docker's DNS says

# Prints what DNS says of a name; ends with 124 or more where it does not answer in time.
if command -v getent >/dev/null; then
    resolve() { timeout 1 getent ahostsv4 "$1."; }
else
    resolve() { # by busybox, which names the DNS server's own address before "Name:"
        answer=$(timeout 1 nslookup "$1." 127.0.0.11)
        status=$?
        case $answer in *Name:*) echo "${answer#*Name:}" ;; *) return $((status > 0 ? status : 1)) ;; esac
    }
fi

# Prints the configured address of a server, and after it the words of DNS about its container, by the first of its
# names that DNS knows; `?` where DNS did not answer for a name.
ask() {
    address=$1
    shift
    for name; do
        found=$(resolve "$name")
        status=$?
        [ $status -ne 0 ] || { echo "$address" $found && return; }
        [ $status -lt 124 ] || { echo "$address ?" && return; }
    done
    echo "$address"
}

# Prints the line of `ask` for each server of the current generation.
ask_all() {
    {
        asked=0
        while read -r server; do
            ask $server 2>/dev/null &
            asked=$((asked + 1))
            [ $((asked % 50)) -ne 0 ] || wait
        done
        wait
    } <$proxy/current/servers | sort
}

# Says whether DNS answers at all: it knows every container of the network, this one as well.
dns_answers() {
    read -r self </etc/hostname
    resolve "$self" >/dev/null 2>&1
}

# ---------------------------------------------------------------- the copy with the addresses of now

# Reads lines of `ask`, then the configuration, and prints that with the addresses of now. Without a configuration it
# ends with 1 where some server is not where it was. With `keep` a server of which DNS said nothing is where it was.
places='
    asking && NF {
        asked[$1]
        for (i = 2; i <= NF; i++)
            if ($i == "?" && keep) there[$1]
            else if ($i ~ /^[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+$/) {
                if ($i == $1) there[$1]
                if (!(($1, $i) in seen)) count[$1]++
                seen[$1, $i]
                now[$1] = $i
            }
    }
    asking { next }
    { gsub(revision, "boot" revision) }
    $1 == "server" {
        address = $2 ~ /:/ ? $2 : $3
        sub(/:.*/, "", address)
        if (address in asked && !(address in there)) {
            if (count[address] == 1) {
                at = index($0, address ":")
                $0 = substr($0, 1, at - 1) now[address] substr($0, at + length(address))
            }
            else if (off) sub(/;/, " " off ";")
            else $0 = "#" $0
        }
    }
    { print }
    END { if (asking) for (address in asked) if (!(address in there)) exit 1 }
'

# Lets `serve` lead to what may be served by the lines of `ask_all` in $1; ends with 1 where nothing changes.
settle() {
    before=$(readlink $proxy/serve)
    if echo "$1" | awk -v asking=1 -v keep="$keep" "$places"; then
        ln -sfn current $proxy/serve
        [ "$before" != current ]
        return
    fi
    case $before in run/boot-a) copy=run/boot-b ;; *) copy=run/boot-a ;; esac
    if write_copy "$1" $proxy/$copy; then
        ln -sfn $copy $proxy/serve
    else
        echo "proxyctl: the addresses of now cannot be written, is the disk full? all stay as they are" >&2
        rm -rf $proxy/$copy
        [ -e $proxy/serve ] || ln -sfn current $proxy/serve
        return 1
    fi
}

# Writes the files of the current generation with the addresses of now into a new folder; ends with 1 where that fails.
write_copy() (
    umask 077 # a configuration has the secret of `check`
    generation=$(readlink $proxy/current)
    rm -rf "$2"
    mkdir "$2" || return 1
    set +f
    for file in $proxy/current/*; do
        case $file in */desired.json | */servers) continue ;; esac
        echo "$1" |
            awk -v asking=1 -v keep="$keep" -v off="$off" -v revision="${generation##*-}" \
                "$places" - asking=0 "$file" >"$2/${file##*/}" || return 1
    done
)

# ---------------------------------------------------------------- before the proxy starts, and beside it

# Says whether a `watch` runs: opening the pipe for writing waits for its reader.
watched() { [ -p $run/watching ] && timeout 1 sh -c ": >$run/watching"; }

# Looks again and again, more often in the first minute, in which a host that boots starts its containers.
guard() {
    settled=$1 looks=0
    while :; do
        looks=$((looks + 1))
        [ $looks -le 60 ] && sleep 1 || sleep 5
        watched && continue
        answers=$(ask_all)
        ! watched || continue # one may have started meanwhile
        seen="$(readlink $proxy/current) $answers"
        [ "$seen" != "$settled" ] || continue
        case $answers in *" "*) ;; *) dns_answers || continue ;; esac # no answer is not an empty answer
        settled=$seen
        settle "$answers" || continue
        echo "proxyctl: containers have moved while no watch runs; loading where they are now" >&2
        kill -"$signal" 1
    done
}

able() {
    for tool in awk timeout; do command -v $tool || return 1; done
    command -v getent || command -v nslookup
}

keep=
if [ -e $proxy/current/servers ] && able >/dev/null; then
    answers=$(ask_all)
    settle "$answers"
    keep=1 # once the proxy serves, no answer is not an empty answer
    guard "$(readlink $proxy/current) $answers" &
else
    echo "proxyctl: no way to ask Docker's DNS here; serving the addresses of the last configuration" >&2
    ln -sfn current $proxy/serve
fi
start
