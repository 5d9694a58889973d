#!/bin/bash
# First process of the load balancer's container: runs nginx and keeps its list of API servers to those whose /readyz
# answers. nginx notices by itself when a server refuses connections; this adds servers when they become ready and takes
# out those that accept connections but do not work.
set -u
folder=/kind/load-balancer
servers=$folder/servers.conf
readonly folder servers

own=${KIND_RS_NODE_ADDRESS:-}
if command -v ip >/dev/null; then
  for address in ${own//,/ }; do
    case $address in
    *:*) ip address replace "$address" dev eth0 nodad ;;
    *) ip address replace "$address" dev eth0 ;;
    esac
  done
else
  perl "$folder/address.pl" "$own"
fi

# Asks nginx, which asks the server over TLS.
ready() {
  local answer
  exec 3<>/dev/tcp/127.0.0.1/6480 || return 1
  printf 'GET /%s HTTP/1.0\r\n\r\n' "$1" >&3
  read -r -t 3 answer <&3
  [[ $answer == 'HTTP/1.'?' 200'* ]]
} 2>/dev/null

# Prints the servers that are ready, asking all of them at the same time.
probe() {
  local server
  while read -r server; do
    (ready "$server" && echo "$server") &
  done <"$folder/backends"
  wait
}

# A server that was in the list stays there until it has failed twice in a row.
declare -A failures=()
choose() {
  local server now
  now=$(probe)
  while read -r server; do
    if [[ $'\n'$now$'\n' == *$'\n'"$server"$'\n'* ]]; then
      failures[$server]=0
    else
      failures[$server]=$((${failures[$server]:-1} + 1))
    fi
    [ "${failures[$server]}" -ge 2 ] || chosen+=("$server")
  done <"$folder/backends"
}

write_servers() {
  local server
  {
    for server in "$@"; do echo "server $server max_fails=1 fail_timeout=2s;"; done
    # nginx does not start without a server.
    [ $# -gt 0 ] || echo 'server 127.0.0.1:1 down;'
  } >"$servers.new"
  mv "$servers.new" "$servers"
}

write_servers
nginx -c "$folder/nginx.conf" &
nginx=$!
# The last one is how a node image wants to be stopped.
trap 'kill -TERM "$nginx"; wait "$nginx"; exit 0' TERM INT QUIT RTMIN+3

current=''
while kill -0 "$nginx" 2>/dev/null; do
  chosen=()
  choose
  # With none ready the last ones stay: trying them is better than refusing everybody.
  if [ "${#chosen[@]}" -gt 0 ] && [ "${chosen[*]}" != "$current" ]; then
    current="${chosen[*]}"
    write_servers "${chosen[@]}"
    kill -HUP "$nginx"
    echo "load balancer: now serving $current"
  fi
  # Until the first one is ready somebody is waiting for it.
  if [ -z "$current" ]; then sleep 0.2 & else sleep 1 & fi
  wait $!
done
wait "$nginx"
