#!/bin/sh
# sh verify.sh PEOPLE LEDGER    in the folder of a run; PEOPLE has allowed_signers, revoked_keys and people.yaml.
people=${1:-people} ledger=${2:-../ledger.jsonl} bad=0
run=$(basename "$(pwd)")
export TZ=UTC
found() { echo "$*"; bad=1; }
sum() { sha256sum | cut -c1-64; }
field() { sed -n "s/.*\"$2\":\"\([^\"]*\)\".*/\1/p" "$1"; }
said() { printf '%s\n' "$1" | sed -n "s/.*\"$2\":\"\([^\"]*\)\".*/\1/p"; }
# Whose a principal is, by people.yaml: the name above the list in which it stands.
owner() {
    sed -n -e 's/^  \([A-Za-z0-9_-]*\):.*/=\1/p' -e '/principals/p' -e 's/^ *- /&/p' "$people/people.yaml" | tr -d '[],' |
        while read -r first rest; do
            case $first in =*) name=${first#=} ;; esac
            for word in $first $rest; do [ "$word" = "$1" ] && echo "$name"; done
        done | head -n 1
}
[ -f "$ledger" ] || { echo "there is no $ledger: take it from the workspace, or from whoever received it"; exit 2; }
sha256sum --quiet -c SHA256SUMS || found "a file of this run was changed"

# The ledger: whole, in order, its clock never set back, and every run's folder there.
number=0 previous=$(printf '%064d' 0) latest='' mine='' ended='' open=''
while IFS= read -r line; do
    number=$((number + 1))
    case $line in
        "{\"line\":$number,"*",\"prev\":\"$previous\"}") ;;
        *) found "line $number of the ledger does not follow from the line before it" ;;
    esac
    previous=$(printf '%s\n' "$line" | sum)
    utc=$(said "$line" utc)
    [ "$(printf '%s\n%s\n' "$latest" "$utc" | LC_ALL=C sort | tail -n 1)" = "$utc" ] || found "line $number of the ledger says $utc, before $latest: a clock was set back"
    latest=$utc
    of=$(said "$line" run)
    case $line in
        *'"kind":"begun",'*)
            open="$open $of"
            [ "$of" != "$run" ] || mine=$line
            [ -d "../$of" ] || found "line $number of the ledger: the folder of $of is gone"
            ;;
        *'"kind":"ended",'*)
            open=$(printf '%s\n' $open | grep -vxF -- "$of")
            echo "attempt $of: $(said "$line" result), restoration $(said "$line" restoration)"
            if [ "$of" = "$run" ]; then ended=$(said "$line" sums); fi
            [ "$(cat "../$of/SHA256SUMS" 2>&1 | sum)" = "$(said "$line" sums)" ] || found "line $number of the ledger: $of is not as it ended"
            ;;
    esac
done <"$ledger"
for of in $open; do found "attempt $of: without result"; done
[ -n "$mine" ] || { found "this run stands on no line of the ledger"; exit 1; }
[ "$(sum <SHA256SUMS)" = "$ended" ] || found "SHA256SUMS is not what the ledger says of this run's end"

# The approvals that the line before arming spent.
when=$(said "$mine" utc | sed 's/[-:T]//g; s/\..*//')
signers= asked=
for spent in $(printf '%s\n' "$mine" | grep -o '{"id":"[^"]*","sha256":"[0-9a-f]*"' | sed 's/.*"id":"\([^"]*\)","sha256":"\([0-9a-f]*\)"/\1=\2/'); do
    file=approvals/${spent%=*}.json
    [ -f "$file" ] || { found "$file is gone, which this run spent"; continue; }
    [ "$(sum <"$file")" = "${spent#*=}" ] || found "$file is not the one that was spent"
    asked=approvals/$(field "$file" request).json
    [ "$(cat "$asked" 2>&1 | sum)" = "$(field "$file" request_sha256)" ] || found "$file: $asked is not what was approved"
    saw=$(sed -n 's/.*"ledger":{"ledger":"[0-9a-f]*","root":"[^"]*","sha256":"\([0-9a-f]*\)","size":\([0-9]*\)}.*/\2 \1/p' "$file")
    if [ -n "$saw" ] && [ "$(head -n "${saw% *}" "$ledger" | sum)" != "${saw#* }" ]; then
        found "$file: the first ${saw% *} lines of the ledger are not those that its signer saw"
    fi
done
[ -n "$asked" ] || found "this run spent no approval"
for file in approvals/*.json; do
    kind=$(field "$file" kind) person=$(field "$file" person)
    purpose=$kind@islandmode
    if [ "$kind" = approval ] && ! grep -q '"paper":null' "$file"; then
        purpose=paper@islandmode
        photograph=approvals/$(field "$file" photograph)
        grep -q "\"sha256\":\"$(sum <"$photograph")\"" "$file" || found "$file: $photograph is not the one that was entered"
        person=$(field "$file" entered_by)
    fi
    who=$(ssh-keygen -Y find-principals -f "$people/allowed_signers" -s "$file.sig" -Overify-time="$when" | head -n 1)
    if ! ssh-keygen -q -Y verify -f "$people/allowed_signers" -r "$people/revoked_keys" -I "$who" -n "$purpose" -s "$file.sig" -Overify-time="$when" <"$file"; then
        found "$file: its signature does not hold"
        continue
    fi
    [ "$(owner "$who")" = "$person" ] || found "$file: it says $person, and the key $who is $(owner "$who")'s"
    echo "$file: signed by $(owner "$who") ($who) for $purpose"
    if [ "$kind" = approval ]; then
        person=$(field "$file" person)
        [ "$person" != "$(field "$asked" person)" ] || found "$file: the person who asked approved it"
        case " $signers " in *" $person "*) found "$file: $person signed already; one person counts once, whichever key" ;; esac
        signers="$signers $person"
    fi
done
exit $bad
