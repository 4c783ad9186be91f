#!/usr/bin/env bash
# What `./dev demo` shows once the program is built.   usage: demo.sh MUDRA FOLDER
# Both results are of people the networks have never seen, and stand on a page each in FOLDER.
set -euo pipefail
mudra=$1 folder=$2
mkdir -p "$folder"

show() { # name sentence command...: says what happens, runs it, keeps what it prints
  local name=$1
  printf '\n%s\n%s\n\n' "$2" "${*:3}" >&2
  "${@:3}" | tee "$folder/$name.txt" || exit 1
}

result() { grep -E '^(right on|new hands)' "$folder/$1.txt"; }

show zero-or-five "1 of 2: a network of 128 units learns the signs 0 and 5 from rendered hands of 2,000 people; 500 other people test it." \
  "$mudra" train --recipe report --split group --init he --learning-rate 0.1 --seed 1 --out "$folder/zero-or-five"
show rooms "2 of 2: the model in the box finds and reads the hand in rendered rooms with 50 people it has never seen; a fifth of them shows no digit." \
  "$mudra" evaluate synth:1000:room:0.2 --seed 77 --report "$folder/rooms"

cat <<END

0 or 5, people never seen:
$(result zero-or-five)

ten digits or none, anywhere in a room, people never seen:
$(result rooms)

Two pages to open in a browser:
$folder/zero-or-five/report.html
$folder/rooms/report.html
END
