#!/bin/sh
# The only program of the test guest: brings up the network, finds the NoCloud seed, runs its user data, says what it
# does on the serial console. Every line of its own starts with "mcm-guest: "; tests and the quick start read them.

PATH=/bin:/usr/bin
export PATH HOME=/root TERM=linux

say() { echo "mcm-guest: $*"; }
uptime_s() { cut -d ' ' -f 1 /proc/uptime; }

mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs run /run
exec </dev/console >/dev/console 2>&1
# Drivers that report themselves must not write into the lines of the script.
echo 1 >/proc/sys/kernel/printk

say "kernel up $(uname -r) after $(uptime_s) s"

# A module for hardware that isn't there may refuse; that is no failure.
load_modules() { while read -r module; do insmod "$1/$module" 2>/dev/null; done <"$1/order"; }

load_modules /modules/basic

# Absent where the machine has none, as with plain QEMU.
identity=/sys/class/dmi/id/product_uuid
[ ! -r "$identity" ] || say "uuid $(tr A-Z a-z <"$identity")"

# The power button: the first event of its input device means "switch off".
for device in /sys/class/input/event*; do
  [ "$(cat "$device/device/name" 2>/dev/null)" = 'Power Button' ] || continue
  {
    head -c 24 "/dev/input/${device##*/}" >/dev/null
    say 'power button pressed, switching off'
    sync
    poweroff -f
  } &
done

ip link set lo up
if [ -e /sys/class/net/eth0 ]; then
  ip link set eth0 up
  # -n: give up when nobody answers. With an address it stays in the background and renews it.
  udhcpc -i eth0 -n -t 5 -T 1 -s /etc/udhcpc.sh >/dev/null 2>&1
  address=$(ip -4 -o addr show dev eth0 | awk '{ sub("/.*", "", $4); print $4 }')
  say "network ${address:-none (no DHCP answer)}"
else
  say 'network none (no network card)'
fi

find_seed() { findfs LABEL=cidata 2>/dev/null || findfs LABEL=CIDATA 2>/dev/null; }

seed=$(find_seed)
if [ -z "$seed" ]; then
  load_modules /modules/controllers
  # Their devices appear on their own time: poll, for three seconds at most.
  tries=0
  while seed=$(find_seed); [ -z "$seed" ] && [ "$tries" -lt 30 ]; do
    sleep 0.1
    tries=$((tries + 1))
  done
fi

# The value of a top-level "key: value" line of a YAML file.
yaml_value() { sed -n "s/^$1:[[:space:]]*[\"']\{0,1\}\([^\"']*\)[\"']\{0,1\}[[:space:]]*$/\1/p" "$2" | head -n 1; }

run_cloud_config() {
  name=$(yaml_value hostname "$1")
  [ -z "$name" ] || hostname "$name"
  # The items of runcmd that are plain strings, one a line.
  awk '
    /^runcmd:/ { inside = 1; next }
    /^[^ \t#-]/ { inside = 0 }
    inside && /^[ \t]*- / {
      sub(/^[ \t]*- */, ""); sub(/[ \t]+$/, "")
      if (/^".*"$/ || /^\047.*\047$/) $0 = substr($0, 2, length($0) - 2)
      print
    }
  ' "$1" >/run/runcmd
  while read -r line; do
    case $line in
      '['* | '|'* | '>'*) say "user-data: this guest runs only runcmd items that are strings, so not: $line" ;;
      *) sh -c "$line" </dev/null || return ;;
    esac
  done </run/runcmd
}

run_user_data() {
  case $(head -n 1 "$1") in
    '#!'*)
      cp "$1" /run/user-data
      chmod 700 /run/user-data
      /run/user-data </dev/null
      ;;
    '#cloud-config'*)
      cat "$1"
      run_cloud_config "$1"
      ;;
    *) say 'user-data: neither a script (#!) nor #cloud-config, so nothing was run' ;;
  esac
}

if [ -n "$seed" ] && mount -o ro "$seed" /seed; then
  say "seed found $seed"
  if [ -f /seed/meta-data ]; then
    name=$(yaml_value local-hostname /seed/meta-data)
    [ -z "$name" ] || hostname "$name"
    say "instance $(yaml_value instance-id /seed/meta-data) hostname $(hostname)"
  fi
  if [ -s /seed/user-data ]; then
    say 'user-data begin'
    run_user_data /seed/user-data
    status=$?
    # A script may leave its last line open.
    say "user-data end status $status"
  else
    say 'user-data none'
  fi
else
  say 'seed none: no disk labelled cidata, or one on a controller that this kernel has no driver for'
fi

say "ready after $(uptime_s) s"

# The kernel panics when its first program ends.
while :; do sleep 3600; done
