#!/bin/sh
# Starts Tributary in the background and waits for the first line of its log.
#
#   scripts/start.sh [--config FILE] [--pid-file FILE] [--log-file FILE] [-- MORE ARGUMENTS OF TRIBUTARY]
#
# Defaults: consumer.properties (TRIBUTARY_CONFIG), run/tributary.pid (TRIBUTARY_PID_FILE), run/tributary.log
# (TRIBUTARY_LOG_FILE), all below the folder that it is called from. How the process ended is written beside the pid
# file, with the ending .exit. Refuses if the process of the pid file runs. scripts/stop.sh is its counterpart.
set -eu

config=${TRIBUTARY_CONFIG:-consumer.properties}
pid_file=${TRIBUTARY_PID_FILE:-run/tributary.pid}
log_file=${TRIBUTARY_LOG_FILE:-run/tributary.log}
start_timeout_s=30
# They are ours; tributary would not know them as keys of its configuration.
unset TRIBUTARY_CONFIG TRIBUTARY_PID_FILE TRIBUTARY_LOG_FILE

fail() {
  echo "start.sh: $2" >&2
  exit "$1"
}

while [ $# -gt 0 ]; do
  case $1 in
    --config | --pid-file | --log-file)
      [ $# -ge 2 ] || fail 64 "$1 wants a value"
      case $1 in
        --config) config=$2 ;;
        --pid-file) pid_file=$2 ;;
        --log-file) log_file=$2 ;;
      esac
      shift 2
      ;;
    --)
      shift
      break
      ;;
    -h | --help)
      sed -n '2,/^set -eu/s/^# \{0,1\}//p' "$0"
      exit 0
      ;;
    *) fail 64 "unknown argument: $1 (--config, --pid-file, --log-file, or -- before arguments of tributary)" ;;
  esac
done

main=$(cd "$(dirname "$0")/.." && pwd)/dist/main.js
exit_file=${pid_file%.pid}.exit
[ -f "$main" ] || fail 1 "there is no $main: run npm run build first"
[ -r "$config" ] || fail 78 "cannot read $config"
mkdir -p "$(dirname "$pid_file")" "$(dirname "$log_file")"

# Whether the process of that number is a Tributary, or a start of one that is under way. Numbers are used again.
is_ours() {
  kill -0 "$1" 2> /dev/null || return 1
  # It may end between two looks; then neither knows it.
  case $({ ps -o args= -p "$1" || tr '\0' ' ' < "/proc/$1/cmdline"; } 2> /dev/null) in
    *main.js* | *start.sh*) return 0 ;;
    *) return 1 ;;
  esac
}

if [ -s "$pid_file" ]; then
  old=$(cat "$pid_file")
  if is_ours "$old"; then fail 1 "it runs already, pid $old ($pid_file)"; fi
  rm -f "$pid_file"
fi
# With noclobber only one of two starts at the same moment gets the file.
(set -C && echo $$ > "$pid_file") 2> /dev/null || fail 1 "another start is under way ($pid_file)"
rm -f "$exit_file"
touch "$log_file"
seen=$(wc -c < "$log_file")

# Stays behind to write down how the process ended; a terminal that closes ends neither.
(
  trap '' HUP
  node "$main" --config "$config" "$@" < /dev/null >> "$log_file" 2>&1 &
  child=$!
  echo "$child" > "$pid_file"
  code=0
  wait "$child" || code=$?
  echo "$code" > "$exit_file"
) < /dev/null > /dev/null 2>&1 &

log_of_this_run() {
  tail -c "+$((seen + 1))" "$log_file"
}

waited=0
while [ "$waited" -lt $((start_timeout_s * 10)) ]; do
  if log_of_this_run | grep -q 'application start'; then
    echo "started, pid $(cat "$pid_file"), log $log_file"
    exit 0
  fi
  if [ -s "$exit_file" ]; then
    log_of_this_run >&2
    rm -f "$pid_file"
    fail "$(cat "$exit_file")" "it ended at once, exit $(cat "$exit_file")"
  fi
  sleep 0.1
  waited=$((waited + 1))
done
# Alive but silent: log.level may be above info.
echo "started, pid $(cat "$pid_file"), log $log_file (no line in it after $start_timeout_s s)"
