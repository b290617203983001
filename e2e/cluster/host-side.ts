import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toolEnvironment, toolFolder, toolPath } from '../../scripts/tool-path.ts';
import { BRIDGE, type Layout, NODE_ADDRESS, OUTSIDE_CIDR, SERVICE_CIDR } from './layout.ts';

const KERNEL_SETTINGS = [
  'vm/overcommit_memory',
  'vm/panic_on_oom',
  'kernel/panic',
  'kernel/panic_on_oops',
  'kernel/keys/root_maxkeys',
  'kernel/keys/root_maxbytes',
];
const NODE_TOOLS = toolFolder('cluster-node');

/** What the programs of the node find on their path, and the libraries of the unpacked packages. */
export function nodeEnvironment(layout: Layout): NodeJS.ProcessEnv {
  const folders = [layout.bin, ...['usr/bin', 'usr/sbin', 'bin', 'sbin'].map((name) => join(NODE_TOOLS, name))];
  const library = toolEnvironment('cluster-node').LD_LIBRARY_PATH as string;
  return {
    PATH: [...folders, '/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'].join(':'),
    HOME: layout.folder,
    LD_LIBRARY_PATH: [library, join(NODE_TOOLS, 'lib/x86_64-linux-gnu')].join(':'),
    XTABLES_LIBDIR: join(library, 'xtables'),
  };
}

/** Runs a script of the node's own shell commands. @throws with its standard error */
export function inNode(layout: Layout, script: string): string {
  return execFileSync('sh', ['-euc', script], {
    env: nodeEnvironment(layout),
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** What is called by a plain name: the package leaves the plain names to the alternatives of an installed system. */
export function linkTools(layout: Layout): void {
  mkdirSync(layout.bin, { recursive: true });
  const tables = join(NODE_TOOLS, 'usr/sbin/xtables-nft-multi');
  for (const family of ['iptables', 'ip6tables']) {
    for (const suffix of ['', '-save', '-restore']) symlinkSync(tables, join(layout.bin, `${family}${suffix}`));
  }
  // for whoever enters the node by hand
  symlinkSync(toolPath('kubectl'), join(layout.bin, 'kubectl'));
  const ctr = `exec ${join(NODE_TOOLS, 'usr/bin/ctr')} --address ${layout.containerdSocket} -n k8s.io "$@"`;
  writeFileSync(join(layout.bin, 'ctr'), `#!/bin/sh\n${ctr}\n`, { mode: 0o755 });
}

/**
 * Folders that containerd, CNI and the kubelet write to by fixed names become the cluster's own, in this mount
 * namespace alone. What the kubelet would set for the whole machine it sets in files of no effect.
 */
export function mountOwnFolders(layout: Layout): void {
  const over = (path: string) => {
    const [upper, work] = ['upper', 'work'].map((part) => layout.file(`over${path}/${part}`));
    return `
      mkdir -p ${upper} ${work}
      mount -t overlay overlay -o lowerdir=${path},upperdir=${upper},workdir=${work} ${path}`;
  };
  inNode(
    layout,
    `
    mount -t tmpfs tmpfs /run
    mkdir -p /run/lock ${layout.file('log')}
    ${over('/var/lib')}
    ${over('/etc')}
    mount --bind ${layout.file('log')} /var/log
    for name in ${KERNEL_SETTINGS.join(' ')}; do
      mkdir -p ${layout.file('sys')}/$(dirname $name)
      cat /proc/sys/$name >${layout.file('sys')}/$name
      mount --bind ${layout.file('sys')}/$name /proc/sys/$name
    done
    rm -f /etc/resolv.conf`,
  );
  writeFileSync(
    '/etc/resolv.conf',
    `nameserver ${NODE_ADDRESS}\nsearch default.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n`,
  );
}

/** Loopback, the bridge of the pods, and addresses that stand for the Internet. */
export function setUpNetwork(layout: Layout): void {
  if (!existsSync('/proc/sys/net/bridge')) inNode(layout, 'modprobe br_netfilter || true');
  inNode(
    layout,
    `
    ip link set lo up
    ip link add ${BRIDGE} type bridge
    ip address add ${NODE_ADDRESS}/24 dev ${BRIDGE}
    ip link set ${BRIDGE} up
    ip route add ${SERVICE_CIDR} dev ${BRIDGE}
    ip route add local ${OUTSIDE_CIDR} dev lo
    cd /proc/sys/net
    echo 1 >ipv4/ip_forward
    echo 0 >ipv4/conf/all/rp_filter
    if [ -d bridge ]; then echo 1 >bridge/bridge-nf-call-iptables; echo 1 >bridge/bridge-nf-call-ip6tables; fi`,
  );
}
