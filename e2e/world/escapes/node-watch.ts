import { inNode } from '../../cluster/host-side.ts';
import { BRIDGE, Layout } from '../../cluster/layout.ts';
import { processesOf } from '../pod-processes.ts';

/**
 * What leaves a pod, as the node's packet filter sees it: also protocols for which nobody listens. Only on the node of
 * npm run e2e.
 */
export class NodeWatch {
  readonly #layout: Layout;
  readonly #chains: { program: string; chain: string; source: string }[] = [];

  constructor(env = process.env) {
    this.#layout = new Layout(env.AEGIS_E2E_CLUSTER ?? '');
  }

  #iptables(program: string, ...args: string[]): string {
    return inNode(this.#layout, [program, '-w', '-t', 'raw', ...args].join(' '));
  }

  /** Counts what comes from the pod and is none of these (`-d 192.0.2.1 -p tcp --dport 443`). */
  watch(name: string, address: string, expected: readonly string[]): void {
    const program = address.includes(':') ? 'ip6tables' : 'iptables';
    const chain = `E2E-${name}`;
    this.#iptables(program, '-N', chain);
    for (const match of expected) this.#iptables(program, '-A', chain, match, '-j', 'RETURN');
    for (const protocol of ['tcp', 'udp', program === 'iptables' ? 'icmp' : 'ipv6-icmp', 'sctp', 'dccp', 'udplite']) {
      this.#iptables(program, '-A', chain, '-p', protocol, '-m', 'comment', '--comment', 'seen', '-j', 'RETURN');
    }
    this.#iptables(program, '-A', chain, '-m', 'comment', '--comment', 'seen');
    this.#iptables(program, '-A', 'PREROUTING', '-s', address, '-j', chain);
    this.#chains.push({ program, chain, source: address });
  }

  /** Packets by protocol, of those that were not expected. */
  seen(name: string): Record<string, number> {
    const { program = '', chain = '' } = this.#chains.find((it) => it.chain === `E2E-${name}`) ?? {};
    const counts: Record<string, number> = {};
    for (const line of this.#iptables(program, '-nvxL', chain).split('\n').filter((it) => it.includes('/* seen */'))) {
      const words = line.trim().split(/\s+/);
      const protocol = words[2] === 'RETURN' ? (words[3] ?? '') : 'other';
      if (Number(words[0]) > 0) counts[protocol] = Number(words[0]);
    }
    return counts;
  }

  close(): void {
    for (const { program, chain, source } of this.#chains.splice(0)) {
      this.#iptables(program, '-D', 'PREROUTING', '-s', source, '-j', chain);
      this.#iptables(program, '-F', chain);
      this.#iptables(program, '-X', chain);
    }
  }

  /** Gives the bridge and a pod IPv6 addresses, as a cluster with both families would. @returns how pods reach the node */
  addIpv6(podUid: string, pod: string, node: string): string[] {
    const [process] = processesOf(podUid);
    if (process === undefined) throw new Error('the pod has no process');
    const enter = `nsenter -t ${process.pid} -n`;
    inNode(
      this.#layout,
      `ip -6 addr replace ${node}/64 dev ${BRIDGE} nodad
      ${enter} sh -c 'echo 0 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6' || true
      ${enter} ip -6 addr replace ${pod}/64 dev eth0 nodad
      ${enter} ip -6 route replace default via ${node} dev eth0`,
    );
    const link = /inet6 (fe80:\S+)\/64/.exec(inNode(this.#layout, `ip -6 addr show dev ${BRIDGE} scope link`))?.[1];
    return link === undefined ? [node] : [node, `${link}%eth0`];
  }

  removeIpv6(node: string): void {
    inNode(this.#layout, `ip -6 addr del ${node}/64 dev ${BRIDGE} || true`);
  }
}
