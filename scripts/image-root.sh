#!/bin/sh
# Lays out the root of an image: Node, the libraries that it is linked with, the bundle of the program, a folder for its
# state. Usage: image-root.sh NODE BUNDLE_FOLDER OUT
set -eu
node=$1 bundle=$2 out=$3
mkdir -p "$out/usr/local/bin" "$out/app" "$out/etc" "$out/var/lib/aegis" "$out/proc"
cp -L "$node" "$out/usr/local/bin/node"
ldd "$node" | grep -o '/[^ ]*' | while read -r library; do
  mkdir -p "$out$(dirname "$library")"
  cp -L "$library" "$out$library"
done
cp "$bundle"/*.mjs "$out/app/"
echo 'aegis:x:65532:65532::/:/sbin/nologin' >"$out/etc/passwd"
echo 'aegis:x:65532:' >"$out/etc/group"
# Without it the C library asks DNS before /etc/hosts.
echo 'hosts: files dns' >"$out/etc/nsswitch.conf"
chmod 0700 "$out/var/lib/aegis"
