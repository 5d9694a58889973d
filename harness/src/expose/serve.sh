# Listens on a port of the node, and leaves each connection to whoever waits in the folder.
# Arguments: the folder ($0), the port. CLAIM: what pairs a connection with one that waits. Ends with its input.
set -u
folder=$0
port=$1
mkdir -m 0700 "$folder" && cd "$folder" || exit 1
printf '%s' "$CLAIM" > claim
socat -d -d "TCP-LISTEN:$port,fork,reuseaddr,backlog=128" "EXEC:bash claim" &
listener=$!
(
    cat > /dev/null
    kill "$listener" 2> /dev/null
) <&0 &
wait "$listener"
code=$?
cd /
for process in /proc/[0-9]*; do
    if [ "$(readlink "$process/cwd")" = "$folder" ]; then kill "${process#/proc/}"; fi
done 2> /dev/null
rm -r "$folder"
exit "$code"
