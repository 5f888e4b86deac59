# Sourced by the scripts that do several things: step NAME COMMAND… runs one and says how it ended, and finish ends the
# script with a failure if any step failed. A step that fails does not keep the next ones from being tried.
# shellcheck shell=bash

failed=()

step() {
  local name=$1 began=$SECONDS
  shift
  printf '\n== %s\n' "$name"
  if "$@"; then
    printf -- '-- ok: %s (%s s)\n' "$name" $((SECONDS - began))
  else
    printf -- '-- FAILED: %s (%s s)\n' "$name" $((SECONDS - began))
    failed+=("$name")
  fi
}

finish() {
  [ ${#failed[@]} -eq 0 ] && return
  printf '\nThese steps failed:\n'
  printf '  %s\n' "${failed[@]}"
  exit 1
}
