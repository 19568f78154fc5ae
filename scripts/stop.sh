#!/bin/sh
# Stops the Tributary that scripts/start.sh has started: sends SIGTERM, waits for the drain, and tells the pid, the exit
# and the offsets reached. Never kills: what is not over at the time-out is left alone, and said.
#
#   scripts/stop.sh [--pid-file FILE] [--log-file FILE] [--timeout SECONDS]
#
# Defaults: run/tributary.pid (TRIBUTARY_PID_FILE), run/tributary.log (TRIBUTARY_LOG_FILE), 30 s, which must be more than
# shutdown.timeout.ms. Exits as the process did; 0 if it was not running; 75 if it still runs.
set -eu

pid_file=${TRIBUTARY_PID_FILE:-run/tributary.pid}
log_file=${TRIBUTARY_LOG_FILE:-run/tributary.log}
timeout_s=30

fail() {
  echo "stop.sh: $2" >&2
  exit "$1"
}

while [ $# -gt 0 ]; do
  case $1 in
    --pid-file | --log-file | --timeout)
      [ $# -ge 2 ] || fail 64 "$1 wants a value"
      case $1 in
        --pid-file) pid_file=$2 ;;
        --log-file) log_file=$2 ;;
        --timeout) timeout_s=$2 ;;
      esac
      shift 2
      ;;
    -h | --help)
      sed -n '2,/^set -eu/s/^# \{0,1\}//p' "$0"
      exit 0
      ;;
    *) fail 64 "unknown argument: $1 (--pid-file, --log-file, --timeout)" ;;
  esac
done
case $timeout_s in
  '' | *[!0-9]*) fail 64 "--timeout wants whole seconds, not $timeout_s" ;;
esac
exit_file=${pid_file%.pid}.exit

is_running() {
  kill -0 "$1" 2> /dev/null || return 1
  # It may end between two looks; then neither knows it.
  case $({ ps -o args= -p "$1" || tr '\0' ' ' < "/proc/$1/cmdline"; } 2> /dev/null) in
    *main.js*) return 0 ;;
    *) return 1 ;;
  esac
}

# The offsets that the last run has told at its end; nothing if it was killed before it could.
offsets_reached() {
  [ -r "$log_file" ] || return 0
  awk '
    /application start/ { found = "" }
    match($0, /stored offsets: (none were moved|[A-Za-z0-9._= -]+)/) { found = substr($0, RSTART, RLENGTH) }
    END { sub(/^stored offsets: /, "", found); sub(/ +$/, "", found); print found }
  ' "$log_file"
}

report() {
  code=unknown
  if [ -s "$exit_file" ]; then code=$(cat "$exit_file"); fi
  offsets=$(offsets_reached)
  echo "pid $1"
  echo "exit $code"
  echo "stored offsets: ${offsets:-not told: it ended without a drain}"
}

if [ ! -s "$pid_file" ]; then
  echo "not running: there is no $pid_file"
  exit 0
fi
pid=$(cat "$pid_file")
if ! is_running "$pid"; then
  echo "not running"
  report "$pid"
  rm -f "$pid_file"
  exit 0
fi

kill -TERM "$pid"
waited=0
while is_running "$pid"; do
  if [ "$waited" -ge $((timeout_s * 10)) ]; then
    fail 75 "pid $pid still drains after $timeout_s s; see $log_file, or wait longer with --timeout"
  fi
  sleep 0.1
  waited=$((waited + 1))
done
# Its parent writes the exit down a moment later.
waited=0
while [ ! -s "$exit_file" ] && [ "$waited" -lt 100 ]; do
  sleep 0.1
  waited=$((waited + 1))
done
report "$pid"
rm -f "$pid_file"
case $code in
  unknown) exit 1 ;;
  *) exit "$code" ;;
esac
