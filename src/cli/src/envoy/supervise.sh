# Runs Envoy ("$@") for as long as our standard input stays open. It is a pipe from the process that started us:
# the kernel closes it when that process ends, however it ends, so no Envoy is left behind even after a SIGKILL.
# Prints Envoy's process id, then ends with Envoy's status.
exec 3<&0
"$@" 3<&- </dev/null >&2 &
envoy=$!
echo "$envoy"
(
    PATH=$PATH:/usr/bin:/bin
    read -r _ <&3
    kill -TERM "$envoy"
    sleep 3
    kill -KILL "$envoy"
) >/dev/null 2>&1 &
watch=$!
wait "$envoy"
status=$?
kill "$watch" 2>/dev/null
exit "$status"
