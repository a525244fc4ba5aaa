#!/usr/bin/env bash
# Checks the dependencies: `cargo deny` (advisories, licences, bans, sources) and `cargo audit`. Part of `make test`.
#
# The database of advisories is the current one. Where it cannot be fetched, it is the pinned one of RUNBUS_ADVISORY_DB
# or of ops/advisories. The script prints which one it used and the date of it.
#
# Environment:
#   RUNBUS_ADVISORY_DB       a folder with advisory-db.tar.xz, or an unpacked database (default: ops/advisories)
#   RUNBUS_ADVISORY_URL      where the current database is fetched; empty: it is not fetched
#   RUNBUS_ADVISORY_TIMEOUT  how long that may take, in seconds (default: 60)
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
[[ -n ${RUNBUS_CARGO_DENY:-} ]] || exec ops/tools.sh run ops/dependencies.sh

url=${RUNBUS_ADVISORY_URL-https://github.com/rustsec/advisory-db}
# The name that cargo-deny gives to the folder of a database, from the URL that deny.toml holds.
name=advisory-db-3157b0e258782691

say() { printf 'dependencies: %s\n' "$*" >&2; }
die() {
  say "$*"
  exit 1
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export RUNBUS_ADVISORY_DBS=$work/databases
database=$RUNBUS_ADVISORY_DBS/$name
mkdir -p "$RUNBUS_ADVISORY_DBS"

# Fetches the newest database.
fetch_current() {
  [[ -n $url ]] || return 1
  GIT_TERMINAL_PROMPT=0 timeout "${RUNBUS_ADVISORY_TIMEOUT:-60}" \
    git clone --quiet --depth 1 "$url" "$database" 2>"$work/fetch.log" </dev/null
}

# Unpacks the pinned database from a folder.
unpack_pinned() {
  local from=$1
  rm -rf "$database"
  mkdir -p "$database"
  if [[ -d $from/crates ]]; then
    cp -R "$from/." "$database"
  elif [[ -f $from/advisory-db.tar.xz ]]; then
    tar -xJf "$from/advisory-db.tar.xz" -C "$database" || die "cannot unpack $from/advisory-db.tar.xz (is xz installed?)"
  else
    die "no advisory database in $from: neither crates/ nor advisory-db.tar.xz"
  fi
  [[ -d $database/.git ]] || commit "$database" "$(pinned_date "$from")"
}

# The day of a pinned database: the first date of its README, or of the newest advisory in it.
pinned_date() {
  local day
  day=$(grep -ohE '[0-9]{4}-[0-9]{2}-[0-9]{2}' "$1/README.md" 2>/dev/null | sed -n 1p) || true
  [[ -n $day ]] || day=$(grep -rhoE '^date = "[0-9-]{10}"' "$database/crates" | cut -d'"' -f2 | sort | tail -n 1)
  printf '%s\n' "$day"
}

# cargo-deny reads only databases that are git repositories.
commit() {
  local when=${2}T00:00:00Z
  git -C "$1" init --quiet
  git -C "$1" add --all --force
  GIT_AUTHOR_DATE=$when GIT_COMMITTER_DATE=$when git -C "$1" -c user.name=runbus -c user.email=runbus@localhost \
    -c commit.gpgsign=false commit --quiet --no-verify --message "as of $2"
}

deny() { "$RUNBUS_CARGO_DENY" --locked --offline --log-level error check --hide-inclusion-graph "$@" </dev/null; }
audit() { "$RUNBUS_CARGO_AUDIT" audit --no-fetch --stale --db "$1" --deny warnings --quiet </dev/null; }

# A check that lets everything pass looks like one that finds nothing: an advisory against a crate that is in use must
# fail both tools.
check_the_checks() {
  local planted=$work/planted/$name
  mkdir -p "$work/planted"
  cp -R "$database" "$planted"
  mkdir -p "$planted/crates/serde_json"
  cat >"$planted/crates/serde_json/RUSTSEC-9999-0001.md" <<'MD'
```toml
[advisory]
id = "RUSTSEC-9999-0001"
package = "serde_json"
date = "2026-01-01"
[versions]
patched = []
```

# Planted by ops/dependencies.sh

No real advisory.
MD
  commit "$planted" 2026-01-01
  if RUNBUS_ADVISORY_DBS=$work/planted deny advisories >"$work/planted.log" 2>&1 ||
    ! grep -q RUSTSEC-9999-0001 "$work/planted.log"; then
    die "cargo deny does not see a planted advisory: $(cat "$work/planted.log")"
  fi
  if audit "$planted" >"$work/planted.log" 2>&1 || ! grep -q RUSTSEC-9999-0001 "$work/planted.log"; then
    die "cargo audit does not see a planted advisory: $(cat "$work/planted.log")"
  fi
}

if fetch_current; then
  say "advisories: the current database, of $(git -C "$database" show -s --format=%cs HEAD)"
else
  pinned=${RUNBUS_ADVISORY_DB:-ops/advisories}
  unpack_pinned "$pinned"
  say "advisories: the current database cannot be fetched ($(tail -n 1 "$work/fetch.log" 2>/dev/null || echo 'no URL'))"
  say "advisories: the pinned database of $pinned, of $(git -C "$database" show -s --format=%cs HEAD)"
fi

# Whether a version was yanked stands in the registry's index. Cargo's copy of it is brought up to date first.
cargo fetch --locked --quiet </dev/null || die "cannot fetch the dependencies (see above)"
cargo update --dry-run --quiet </dev/null 2>/dev/null ||
  say "yanked versions: the index cannot be fetched, Cargo's copy of it is used"

check_the_checks
deny advisories licenses bans sources
audit "$database"
say "checked"
