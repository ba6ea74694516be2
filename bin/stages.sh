# Sourced by bin/demo and bin/run: print each command before it runs, time the stages, make accounts, serve.
# shellcheck shell=bash

PORT=${PORT:-8000}
stage_names=()
stage_seconds=()

# Print a command as one would type it, then run it.
run() {
    printf '\n\033[1m$ %s\033[0m\n' "$*"
    "$@"
}

# stage NAME COMMAND...: print and run the command, and keep its time.
stage() {
    timed "$1" run "${@:2}"
}

timed() {
    local name=$1 started=$SECONDS
    shift
    "$@"
    stage_names+=("$name")
    stage_seconds+=($((SECONDS - started)))
}

print_stages() {
    local index
    printf '\nSeconds per stage:\n'
    for index in "${!stage_names[@]}"; do
        printf '  %5d  %s\n' "${stage_seconds[index]}" "${stage_names[index]}"
    done
    printf '  %5d  in all\n' "$SECONDS"
}

# Better told now than after some minutes of work.
need_free_port() {
    [[ ${SERVE:-1} == 0 ]] && return
    python - "$PORT" <<'PYTHON' || exit 1
import socket
import sys

with socket.socket() as probe:
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind(("127.0.0.1", int(sys.argv[1])))
    except (OSError, OverflowError, ValueError) as error:
        sys.exit(f"Cannot serve on 127.0.0.1:{sys.argv[1]}: {error}. Choose another port: make ... PORT=8001")
PYTHON
}

# open_accounts STUDY: two annotators and an admin, once; their log-ins stay in $HARMONY_DATA_DIR/log-ins.csv.
open_accounts() {
    local file=$HARMONY_DATA_DIR/log-ins.csv password
    if [[ ! -f $file ]]; then
        run python manage.py create_annotators "$1" --count 2 --csv "$file"
    fi
    if ! grep -q '^admin,' "$file"; then
        password=$(python -c 'import secrets; print(secrets.token_urlsafe(9))')
        DJANGO_SUPERUSER_PASSWORD=$password \
            run python manage.py createsuperuser --noinput --username admin --email admin@localhost.localdomain
        echo "admin,$password," >>"$file"
    fi
}

# set_protocol_once STUDY: consent, instructions, practice and so on; the same protocol again changes nothing.
set_protocol_once() {
    stage "set the protocol" python manage.py set_protocol "$1" examples/protocols/demo.toml --reason "the demo's protocol"
}

print_addresses() {
    printf '\n  http://127.0.0.1:%s/    annotators: take part\n' "$PORT"
    printf '  http://127.0.0.1:%s/dashboard/%s-simulated/    researchers: how a study fills (simulated annotators)\n' "$PORT" "$1"
    printf '  http://127.0.0.1:%s/dashboard/%s/links/    researchers: links for people without an account\n' "$PORT" "$1"
    printf '  http://127.0.0.1:%s/studies/%s-simulated/report/    researchers: the report\n' "$PORT" "$1"
    printf '  http://127.0.0.1:%s/admin/    the admin\n' "$PORT"
}

print_log_ins() {
    printf '\nLog-ins (kept in %s):\n\n' "$HARMONY_DATA_DIR/log-ins.csv"
    cat "$HARMONY_DATA_DIR/log-ins.csv"
}

# Serve until Ctrl-C.
serve() {
    if [[ ${SERVE:-1} == 0 ]]; then
        printf '\nNot serving (SERVE=0).\n'
        return
    fi
    printf '\nServing http://127.0.0.1:%s/ until Ctrl-C.\n' "$PORT"
    printf '\n\033[1m$ %s\033[0m\n' "gunicorn harmony_app.wsgi --bind 127.0.0.1:$PORT --workers 2 --threads 4 --keep-alive 30"
    exec gunicorn harmony_app.wsgi --bind "127.0.0.1:$PORT" --workers 2 --threads 4 --keep-alive 30 --log-level warning
}

# simulate_once STUDY N: a copy of the study, STUDY-simulated, answered by N simulated annotators.
# The copy and its answers come in one transaction: where the copy is, the answers are.
simulate_once() {
    local copies
    copies=$(
        python manage.py shell --verbosity 0 --command \
            "from studies.models import Study; print(Study.objects.filter(slug='$1-simulated').count())"
    )
    if [[ $copies == 1 ]]; then
        echo "The simulated annotators have answered already"
    else
        stage "simulate annotators" python manage.py simulate_annotators "$1" --copy-as "$1-simulated" --annotators "$2"
    fi
}
