#!/bin/sh
# sh verify.sh PEOPLE LEDGER    in the folder of a run; PEOPLE has allowed_signers, revoked_keys and people.yaml.
people=${1:-people} ledger=${2:-../ledger.jsonl} bad=0
run=$(basename "$(pwd)")
export TZ=UTC
tell() { printf '%s\n' "$*"; }
found() { tell "$@"; bad=1; }
sum() { sha256sum | cut -c1-64; }
field() { sed -n -e 's/"recipes":{[^}]*}//' -e "s/.*\"$2\":\"\([^\"]*\)\".*/\1/p" "$1"; }
said() { printf '%s\n' "$1" | sed -n "s/.*\"$2\":\"\([^\"]*\)\".*/\1/p"; }
# Whose a principal is, by people/principals, which the run made of people.yaml: a line each.
owner() {
    while read -r principal person; do
        [ "$principal" != "$1" ] || { echo "$person"; break; }
    done <people/principals
}
# The same by people.yaml, in whatever layout: the last key before it that is no key of a person. Nothing where YAML says it in another way.
by_yaml() {
    sed -e 's/^#.*//' -e 's/[[:space:]]#.*//' "$people/people.yaml" | tr -d "\"'" | tr '[]{}, \t' '[\n*]' |
        while read -r word; do
            case $word in
                people: | name: | position: | organisation: | roles: | principals:) ;;
                *:) name=${word%:} ;;
                "$1") echo "$name"; break ;;
            esac
        done
}
how_of() {
    mode=$(printf '%s\n' "$how" | while IFS== read -r of mode; do
        [ "$of" != "$1" ] || printf '%s\n' "${mode:-no mode}"
    done | head -n 1)
    printf '%s\n' "${mode:-no line about its beginning}"
}
for file in "$people/people.yaml" people/principals; do
    [ -f "$file" ] || { tell "there is no $file, which says whose a key is"; exit 2; }
done
[ -f "$ledger" ] || { tell "there is no $ledger: take it from the workspace, or from the receiver that the site keeps a copy with"; exit 2; }
sha256sum --quiet -c SHA256SUMS || found "a file of this run was changed"

# The ledger: whole, in order, its clock never set back, and every run's folder there.
number=0 previous=$(printf '%064d' 0) latest='' mine='' ended='' open='' how=''
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
            open="$open $of" mode=$(said "$line" mode)
            case $line in *'"break_glass":{'*) mode="$mode, BREAK GLASS by $(said "$line" by): $(said "$line" why)" ;; esac
            how="$how
$of=$mode"
            [ "$of" != "$run" ] || mine=$line
            [ -d "../$of" ] || found "line $number of the ledger: the folder of $of is gone"
            ;;
        *'"kind":"ended",'*)
            open=$(printf '%s\n' $open | grep -vxF -- "$of")
            tell "attempt $of ($(how_of "$of")): $(said "$line" result), restoration $(said "$line" restoration)"
            if [ "$of" = "$run" ]; then ended=$(said "$line" sums); fi
            [ "$(cat "../$of/SHA256SUMS" 2>&1 | sum)" = "$(said "$line" sums)" ] || found "line $number of the ledger: $of is not as it ended"
            ;;
    esac
done <"$ledger"
for of in $open; do found "attempt $of ($(how_of "$of")): without result"; done
[ -n "$mine" ] || { found "this run stands on no line of the ledger"; exit 1; }
[ "$(sum <SHA256SUMS)" = "$ended" ] || found "SHA256SUMS is not what the ledger says of this run's end"

# The approvals that the line before arming spent: for this drill as it was played, in their window, and for no other run.
begun=$(said "$mine" utc)
begun=${begun%%[.Z]*}
fits() {
    for part in site drill drill_digest plan_digest people_digest; do
        [ "$(field "$1" $part)" = "$(said "$mine" $part)" ] || found "$1: its $part is not that of the run"
    done
    from=$(field "$1" not_before) until=$(field "$1" not_after)
    [ "$(printf '%s\n' "${from%Z}" "$begun" "${until%Z}" | LC_ALL=C sort)" = "$(printf '%s\n' "${from%Z}" "$begun" "${until%Z}")" ] ||
        found "$1: its window is $from to $until, and the run began at ${begun}Z"
}
when=$(said "$mine" utc | sed 's/[-:T]//g; s/\..*//')
signers= spending= requests=
for spent in $(printf '%s\n' "$mine" | grep -o '{"id":"[^"]*","sha256":"[0-9a-f]*"' | sed 's/.*"id":"\([^"]*\)","sha256":"\([0-9a-f]*\)"/\1=\2/'); do
    file=approvals/${spent%=*}.json
    [ -f "$file" ] || { found "$file is gone, which this run spent"; continue; }
    spending="$spending $file"
    [ "$(grep '"kind":"begun",' "$ledger" | grep -oF "{\"id\":\"${spent%=*}\"," | wc -l)" -eq 1 ] || found "$file was spent by more than one run"
    [ "$(sum <"$file")" = "${spent#*=}" ] || found "$file is not the one that was spent"
    asked=approvals/$(field "$file" request).json
    requests="$requests $asked"
    [ "$(cat "$asked" 2>&1 | sum)" = "$(field "$file" request_sha256)" ] || found "$file: $asked is not what was approved"
    saw=$(sed -n 's/.*"ledger":{"ledger":"[0-9a-f]*","root":"[^"]*","sha256":"\([0-9a-f]*\)","size":\([0-9]*\)}.*/\2 \1/p' "$file")
    if [ -n "$saw" ] && [ "$(head -n "${saw% *}" "$ledger" | sum)" != "${saw#* }" ]; then
        found "$file: the first ${saw% *} lines of the ledger are not those that its signer saw"
    fi
done
[ -n "$spending" ] || found "this run spent no approval"
for file in approvals/*.json; do
    kind=$(field "$file" kind) person=$(field "$file" person)
    case $kind in
        approval) counted=$spending ;;
        request) counted=$requests ;;
        *) counted='' ;;
    esac
    case "$counted " in
        *" $file "*) fits "$file" ;;
        *) found "$file: it is not what the ledger's line of this run spent, nor what was asked for by that" ;;
    esac
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
    whose=$(owner "$who") yaml=$(by_yaml "$who")
    [ "$whose" = "$person" ] || found "$file: it says $person, and the key $who is $whose's"
    case $yaml in
        "$whose") ;;
        '') tell "$file: see by eye that $who is $whose's in $people/people.yaml" ;;
        *) found "$file: by people/principals the key $who is $whose's, and by $people/people.yaml $yaml's" ;;
    esac
    tell "$file: signed by $whose ($who) for $purpose"
    if [ "$kind" = approval ]; then
        person=$(field "$file" person)
        [ "$person" != "$(field "approvals/$(field "$file" request).json" person)" ] || found "$file: the person who asked approved it"
        case " $signers " in *" $person "*) found "$file: $person signed already; one person counts once, whichever key" ;; esac
        signers="$signers $person"
    fi
done
exit $bad
