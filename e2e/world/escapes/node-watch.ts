import { inNode } from '../../cluster/host-side.ts';
import { BRIDGE, Layout } from '../../cluster/layout.ts';
import { processesOf } from '../pod-processes.ts';

const PROTOCOLS: Record<string, string> = { 1: 'icmp', 6: 'tcp', 17: 'udp', 58: 'ipv6-icmp', 136: 'udplite' };

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
    for (const line of this.#iptables(program, '-nvxL', chain)
      .split('\n')
      .filter((it) => it.includes('/* seen */'))) {
      const words = line.trim().split(/\s+/);
      const number = words[2] === 'RETURN' ? (words[3] ?? '') : '';
      const protocol = PROTOCOLS[number] ?? (number || 'other');
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

  /**
   * The same at the pod's own door: what leaves it that neither the gateway's user nor DNS has sent. Beside the guard's own
   * tables, so that it changes nothing.
   */
  watchDoor(podUid: string, gatewayUid: number, resolver: string): void {
    const other = `-o eth0 -m owner ! --uid-owner ${gatewayUid}`;
    for (const program of ['iptables', 'ip6tables']) {
      const add = (match: string) => this.#inPod(podUid, `${program} -w -t mangle -A POSTROUTING ${match}`);
      if (program === 'iptables') {
        for (const protocol of ['udp', 'tcp']) add(`-d ${resolver} -p ${protocol} --dport 53 -j ACCEPT`);
      }
      add(`${other} -p tcp --syn`);
      add(`${other} -p udp`);
    }
  }

  /** Packets at that door. */
  atDoor(podUid: string): number {
    const lines = ['iptables', 'ip6tables'].flatMap((program) =>
      this.#inPod(podUid, `${program} -w -t mangle -nvxL POSTROUTING`).split('\n'),
    );
    const owned = lines.filter((line) => line.includes('! owner UID'));
    if (owned.length !== 4) throw new Error(`the pod has no door: ${lines.join('\n')}`);
    return owned.reduce((sum, line) => sum + Number(line.trim().split(/\s+/)[0]), 0);
  }

  #inPod(podUid: string, command: string): string {
    const [process] = processesOf(podUid);
    if (process === undefined) throw new Error('the pod has no process');
    return inNode(this.#layout, `nsenter -t ${process.pid} -n ${command}`);
  }

  /** Gives the bridge and a pod IPv6 addresses, as a cluster with both families would. @returns how pods reach the node */
  addIpv6(podUid: string, pod: string, node: string): string[] {
    inNode(this.#layout, `ip -6 addr replace ${node}/64 dev ${BRIDGE} nodad`);
    this.#inPod(podUid, `ip -6 addr replace ${pod}/64 dev eth0 nodad`);
    this.#inPod(podUid, `ip -6 route replace default via ${node} dev eth0`);
    const link = /inet6 (fe80:\S+)\/64/.exec(inNode(this.#layout, `ip -6 addr show dev ${BRIDGE} scope link`))?.[1];
    return link === undefined ? [node] : [node, `${link}%eth0`];
  }

  removeIpv6(node: string): void {
    inNode(this.#layout, `ip -6 addr del ${node}/64 dev ${BRIDGE} 2>/dev/null || true`);
  }
}
