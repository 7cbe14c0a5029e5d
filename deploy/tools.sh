#!/usr/bin/env bash
# Installs the servers, readers and fonts that the tests need, when they are missing (Debian). Servers are started by the tests
# themselves, on free ports and in private folders; nothing is left running.
set -euo pipefail

need=()
want() { command -v "$1" >/dev/null 2>&1 || [ -e "$1" ] || need+=("$2"); }
want redis-server redis-server
want pg_dump postgresql-client
want smtp-source postfix
want swaks swaks
want /usr/share/doc/libnet-ssleay-perl libnet-ssleay-perl
want chromium chromium
want sqlite3 sqlite3
want nft nftables
want ip iproute2
want pdftoppm poppler-utils
want /usr/sbin/clamd clamav-daemon
want strace strace
want qpdf qpdf
want node nodejs
want npm npm
want pdftotext poppler-utils
want /usr/share/fonts/truetype/noto/NotoSans-Regular.ttf fonts-noto-core
want /usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc fonts-noto-cjk
ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || need+=(postgresql)

# The second verifier of mail, from npm, by its lock file, into the user's cache.
verifier() {
  local from to
  from=$(dirname "$0")/corpus/mailauth
  to=${XDG_CACHE_HOME:-$HOME/.cache}/gatehouse/mailauth
  cmp -s "$from/package-lock.json" "$to/installed" && return
  echo "installing for the tests: mailauth"
  mkdir -p "$to"
  cp "$from/package.json" "$from/package-lock.json" "$to/"
  (cd "$to" && npm ci --no-audit --no-fund --loglevel=error)
  cp "$from/package-lock.json" "$to/installed"
}

[ ${#need[@]} -eq 0 ] && { verifier; exit 0; }
sudo=""
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "the tests need ${need[*]}: install them, or run as root"; exit 1; }
  sudo=sudo
fi
echo "installing for the tests: ${need[*]}"
archives=$(mktemp -d)
mkdir -p "$archives/partial"
trap 'rm -rf "$archives"' EXIT
export DEBIAN_FRONTEND=noninteractive
echo "postfix postfix/main_mailer_type select No configuration" | $sudo debconf-set-selections 2>/dev/null || true
# A private archive folder: a concurrent `apt-get update` empties the shared one.
apt() { $sudo env DEBIAN_FRONTEND=noninteractive apt-get -q -o Dir::Cache::archives="$archives" -o APT::Sandbox::User=root -o DPkg::Lock::Timeout=600 "$@"; }
apt update >/dev/null
apt install -y --no-install-recommends "${need[@]}" >"$archives/log" 2>&1 || { tail -20 "$archives/log"; exit 1; }
verifier
