#!/bin/sh
# Lays out the root of an image: Node, the libraries that it is linked with, the bundle of the program, a folder for its
# state; for pods iptables (nft) with its extensions as well. Usage: image-root.sh NODE BUNDLE_FOLDER OUT [XTABLES_NFT_MULTI]
set -eu
node=$1 bundle=$2 out=$3 xtables=${4-}
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
if [ -n "$xtables" ]; then
  # The loader looks beside libc, and iptables for its extensions where Debian has them.
  libraries=$(dirname "$(ldd "$node" | grep -o '/[^ ]*/libc\.so[^ ]*')")
  extensions=usr/lib/$(basename "$libraries")/xtables
  from=$(dirname "$xtables")/../lib/$(basename "$libraries")/xtables
  mkdir -p "$out/usr/sbin" "$out/$extensions"
  cp -L "$xtables" "$out/usr/sbin/xtables-nft-multi"
  # All of them: the rules of other programs in the pod must be readable too.
  cp -P "$from"/libxt_*.so "$from"/libipt_*.so "$from"/libip6t_*.so "$out/$extensions/"
  ldd "$xtables" "$from"/libxt_*.so "$from"/libipt_*.so "$from"/libip6t_*.so | grep -o '=> /[^ ]*' | sort -u |
    while read -r _ library; do
      to=$out$libraries/$(basename "$library")
      [ -e "$to" ] || cp -L "$library" "$to"
    done
fi
