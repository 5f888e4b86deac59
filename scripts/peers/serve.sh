# Sourced by the start scripts beside it. serve PATH COMMAND… runs a server on 127.0.0.1:$PORT in the foreground, prints
# `ready URL` once PATH answers, and ends the server when it is told to end or when the process that started it is gone.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
peers=$root/.peers
export PORT=${1:-${PORT:-}}
[ -n "$PORT" ] || { echo "usage: $0 PORT" >&2; exit 2; }
url=http://127.0.0.1:$PORT
server=

stop() {
  trap - EXIT INT TERM HUP
  if [ -n "$server" ]; then
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
}

# A bare exchange over bash's own sockets: no client has to be installed, and no proxy setting can lead it astray.
answers() {
  local status
  exec 3<>"/dev/tcp/127.0.0.1/$PORT" || return 1
  printf 'GET %s HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n' "$1" >&3
  IFS= read -r -t 5 status <&3 || status=
  exec 3>&-
  [[ $status == *' 200'* ]]
}

alive() { kill -0 "$server" 2>/dev/null; }

serve() {
  local path=$1 tries
  shift
  trap stop EXIT
  trap 'exit 143' INT TERM HUP
  "$@" </dev/null >&2 &
  server=$!
  for ((tries = 0; ; tries++)); do
    alive || { echo "$0: the server ended before it answered on port $PORT" >&2; exit 1; }
    if answers "$path" 2>/dev/null; then break; fi
    [ "$tries" -lt 600 ] || { echo "$0: no answer on port $PORT for a minute" >&2; exit 1; }
    sleep 0.1
  done
  echo "ready $url"
  while alive && kill -0 "$PPID" 2>/dev/null; do sleep 0.3; done
}
