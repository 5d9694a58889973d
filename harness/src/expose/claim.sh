# One connection: takes somebody who waits, and is passed on to them. Whose file it is, is settled by renaming it.
for ((tries = 0; tries < 300; tries++)); do
    for ready in *.ready; do
        taken=${ready%.ready}.taken
        if mv "$ready" "$taken" 2> /dev/null; then
            socat -t 5 - "UNIX-CONNECT:$taken"
            rm -f "$taken"
            exit
        fi
    done
    sleep 0.1
done
