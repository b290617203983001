import { type Attempt, undecided } from './attempt.ts';
import { ask, get, python, tcp, together } from './tries.ts';

/** Past the gateway, by sockets alone. The guard refuses, or the kernel: nothing at all arrives. */
const REFUSED = /^(?:(?:ECONNREFUSED|EPERM)(?: ×\d+)?(?:, |$))+$/;
const NO_RIGHT = /^(?:(?:EPERM|EACCES|EPROTONOSUPPORT|ESOCKTNOSUPPORT|EAFNOSUPPORT|ECONNREFUSED)(?:, |$))+$/;

/** Python: a datagram to a place, and what is heard of it. */
const DATAGRAM = `
def datagram(host, port, data=b"undecided", family=socket.AF_INET, proto=0, setup=None):
    s = socket.socket(family, socket.SOCK_DGRAM, proto)
    s.settimeout(1)
    if setup: setup(s)
    s.connect((host, port)); s.send(data); s.recv(100)
    return "answered"
def stream(host, port, family=socket.AF_INET, kind=socket.SOCK_STREAM, proto=0, setup=None):
    s = socket.socket(family, kind, proto)
    s.settimeout(2)
    if setup: setup(s)
    s.connect((host, port)); s.send(b"undecided")
    return "connected"
`;

export const DIRECT: readonly Attempt[] = [
  {
    name: 'TCP to every other port of the tool',
    why: 'only 80 and 443 are redirected; the guard resets the rest',
    ends: REFUSED,
    run: ({ tool, ports }) => together(ports.tcp.map((port) => tcp(tool.address, port))),
  },
  {
    name: 'TCP to an address that is nobody’s',
    why: 'the guard asks whose socket it is, not where it goes',
    ends: REFUSED,
    run: ({ elsewhere, ports }) => together(ports.tcp.map((port) => tcp(elsewhere, port))),
  },
  {
    name: 'TCP from a source port of a server',
    why: 'the source port counts for nothing',
    ends: /^(?:(?:EACCES|ECONNREFUSED)(?: ×\d+)?(?:, |$))+$/,
    run: ({ tool }) =>
      together([53, 80, 123, 443, 15_001 + 4_000].map((localPort) => tcp(tool.address, 8080, { localPort }))),
  },
  {
    name: 'TCP from the address of another',
    why: 'an address that is not the pod’s cannot be bound; from loopback nothing leaves',
    ends: /^(?:(?:EADDRNOTAVAIL|EINVAL|ECONNREFUSED)(?: ×\d+)?(?:, |$))+$/,
    run: ({ tool, node }) =>
      together([node, '127.0.0.1', '127.0.0.53'].map((localAddress) => tcp(tool.address, 8080, { localAddress }))),
  },
  {
    name: 'UDP to the tool, also in pieces',
    why: 'the guard refuses UDP that is not DNS to the name server; every fragment belongs to its datagram',
    ends: REFUSED,
    run: ({ tool, ports }) =>
      python(
        `${DATAGRAM}
for port in ${JSON.stringify(ports.udp)}:
    for size in (9, 1400, 9000, 60000):
        words.append(attempt(lambda: datagram(sys.argv[1], port, b"u" * size)))`,
        tool.address,
      ),
  },
  {
    name: 'QUIC to UDP 443 and 80',
    why: 'HTTP/3 would go past the redirection of TCP; the guard refuses it, so clients fall back to TCP',
    ends: REFUSED,
    run: ({ tool }) =>
      python(
        `${DATAGRAM}
initial = bytes([0xc3, 0, 0, 0, 1, 8]) + os.urandom(8) + bytes([0, 0, 0x44, 0xd0]) + os.urandom(1182)
for port in (443, 80): words.append(attempt(lambda: datagram(sys.argv[1], port, initial)))`,
        tool.address,
      ),
  },
  {
    name: 'DNS to another name server',
    why: 'port 53 is open to the name servers of resolv.conf alone, over UDP and TCP',
    ends: REFUSED,
    run: ({ tool, elsewhere }) =>
      python(
        `${DATAGRAM}
question = bytes.fromhex("000101000001000000000000") + b"\\x09undecided\\x07example\\x03com\\x00" + bytes([0, 16, 0, 1])
for host in sys.argv[1:]:
    words.append(attempt(lambda: datagram(host, 53, question)))
    words.append(attempt(lambda: stream(host, 53)))
    words.append(attempt(lambda: stream(host, 853)))`,
        tool.address,
        elsewhere,
      ),
  },
  {
    name: 'other ports of the name server',
    why: 'the name server is open at port 53, not as a host',
    ends: REFUSED,
    run: ({ node }) => together([22, 80 + 8000, 853, 5353, 8053].map((port) => tcp(node, port))),
  },
  {
    name: 'ping, with data in it',
    why: 'the guard refuses ICMP of other users, where the kernel has ping sockets for them at all',
    ends: NO_RIGHT,
    run: ({ tool }) =>
      python(
        `
def ping():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP); s.settimeout(1)
    s.connect((sys.argv[1], 0)); s.send(b"\\x08\\x00\\x00\\x00\\x00\\x01\\x00\\x01undecided"); s.recv(200); return "answered"
words.append(attempt(ping))`,
        tool.address,
      ),
  },
  {
    name: 'raw sockets',
    why: 'they need NET_RAW, which no container of a guarded pod can have',
    ends: NO_RIGHT,
    run: () =>
      python(`
for proto in (socket.IPPROTO_RAW, socket.IPPROTO_ICMP, socket.IPPROTO_TCP, socket.IPPROTO_UDP, 4, 41, 47):
    words.append(attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, proto) and "opened"))
words.append(attempt(lambda: socket.socket(socket.AF_INET6, socket.SOCK_RAW, 58) and "opened"))`),
  },
  {
    name: 'packet sockets',
    why: 'AF_PACKET would write frames below the guard; it needs NET_RAW',
    ends: NO_RIGHT,
    run: () =>
      python(`
for kind in (socket.SOCK_RAW, socket.SOCK_DGRAM):
    words.append(attempt(lambda: socket.socket(socket.AF_PACKET, kind, socket.htons(3)) and "opened"))
words.append(attempt(lambda: socket.socket(44, socket.SOCK_RAW, 0) and "opened"))`),
  },
  {
    name: 'SCTP, DCCP, UDP-Lite',
    why: 'the last rule of the guard refuses every protocol, not only those that it names',
    ends: NO_RIGHT,
    run: ({ tool }) =>
      python(
        `${DATAGRAM}
words.append(attempt(lambda: stream(sys.argv[1], 443, proto=132)))
words.append(attempt(lambda: stream(sys.argv[1], 443, kind=6, proto=33)))
words.append(attempt(lambda: datagram(sys.argv[1], 443, proto=136)))`,
        tool.address,
      ),
  },
  {
    name: 'MPTCP and other families over TCP',
    why: 'sockets that the kernel opens for them are not the gateway’s user’s',
    ends: NO_RIGHT,
    run: ({ tool }) =>
      python(
        `${DATAGRAM}
words.append(attempt(lambda: stream(sys.argv[1], 8080, proto=262)))
words.append(attempt(lambda: stream(sys.argv[1], 8080, family=43)))`,
        tool.address,
      ),
  },
  {
    name: 'TCP Fast Open',
    why: 'data in the first packet is refused with it',
    ends: REFUSED,
    run: ({ tool }) =>
      python(
        `
def fast(port):
    s = socket.socket()
    s.sendto(b"undecided", 0x20000000, (sys.argv[1], port)); s.send(b"undecided"); return "connected"
for port in (8080, 8443): words.append(attempt(lambda: fast(port)))`,
        tool.address,
      ),
  },
  {
    name: 'marks, devices and transparent sockets',
    why: 'SO_MARK and IP_TRANSPARENT need NET_ADMIN; another device leads to the same guard',
    ends: NO_RIGHT,
    run: ({ tool }) =>
      python(
        `${DATAGRAM}
mark = lambda s: s.setsockopt(socket.SOL_SOCKET, 36, 1)
transparent = lambda s: s.setsockopt(socket.IPPROTO_IP, 19, 1)
device = lambda s: s.setsockopt(socket.SOL_SOCKET, 25, b"eth0\\0")
for setup in (mark, transparent, device):
    words.append(attempt(lambda: stream(sys.argv[1], 8080, setup=setup)))
words.append(attempt(lambda: datagram(sys.argv[1], 443, setup=device)))`,
        tool.address,
      ),
  },
  {
    name: 'ports 80 and 443 from a socket bound to the device',
    why: 'redirected to loopback, which the device does not reach: it never connects',
    ends: /^(?:(?:EPERM|ECONNREFUSED|ENETUNREACH|TimeoutError|timeout|ETIMEDOUT)(?:, |$))+$/,
    run: ({ tool }) =>
      python(
        `${DATAGRAM}
device = lambda s: s.setsockopt(socket.SOL_SOCKET, 25, b"eth0\\0")
for port in (80, 443): words.append(attempt(lambda: stream(sys.argv[1], port, setup=device)))`,
        tool.address,
      ),
  },
  {
    name: 'source routing by IP options',
    why: 'the guard sees the first hop; no hop forwards what comes with a source route',
    ends: /^(?:(?:EPERM|EINVAL|ECONNREFUSED|ETIMEDOUT|TimeoutError|ENETUNREACH|EHOSTUNREACH|timeout)(?:, |$))+$/,
    run: ({ tool, node }) =>
      python(
        `${DATAGRAM}
def route(*hops):
    body = b"".join(socket.inet_aton(hop) for hop in hops)
    return lambda s: s.setsockopt(socket.IPPROTO_IP, 4, bytes([1, 131, 3 + len(body), 4]) + body)
tool, node = sys.argv[1:3]
words.append(attempt(lambda: stream(tool, 8080, setup=route(node))))
words.append(attempt(lambda: stream(tool, 8080, setup=route("127.0.0.1"))))
words.append(attempt(lambda: datagram(tool, 53, setup=route(node))))
words.append(attempt(lambda: datagram(tool, 443, setup=route("127.0.0.1"))))`,
        tool.address,
        node,
      ),
  },
  {
    name: 'broadcast and multicast',
    why: 'neither is an address of the pod’s own',
    ends: /^(?:(?:EPERM|EACCES|ECONNREFUSED|ENETUNREACH)(?:, |$))+$/,
    run: ({ node }) =>
      python(
        `${DATAGRAM}
wide = lambda s: s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
for host in ("255.255.255.255", sys.argv[1].rsplit(".", 1)[0] + ".255", "224.0.0.251"):
    for port in (443, 9999, 5353): words.append(attempt(lambda: datagram(host, port, setup=wide)))`,
        node,
      ),
  },
  {
    name: 'IPv6 to the outside',
    why: 'the same rules hold for IPv6, whatever addresses the pod gets later',
    ends: /^(?:(?:EPERM|ECONNREFUSED|ENETUNREACH|EADDRNOTAVAIL|EAFNOSUPPORT|nothing)(?: ×\d+)?(?:, |$))+$/,
    async run({ ipv6, ports }) {
      if (ipv6.length === 0) return 'nothing';
      const streams = await together(ipv6.flatMap((host) => ports.tcp.map((port) => tcp(host, port))));
      const datagrams = await python(
        `${DATAGRAM}
def datagram6(host, port):
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); s.settimeout(1)
    s.connect(socket.getaddrinfo(host, port, socket.AF_INET6, socket.SOCK_DGRAM)[0][4])
    s.send(b"undecided"); s.recv(100); return "answered"
for host in sys.argv[1:]:
    for port in ${JSON.stringify(ports.udp)}: words.append(attempt(lambda: datagram6(host, port)))`,
        ...ipv6,
      );
      return `${streams}, ${datagrams}`;
    },
  },
  {
    name: 'IPv4 addresses in IPv6 clothes',
    why: 'mapped ones are IPv4 on the wire; NAT64, 6to4 and compatible ones lead nowhere',
    ends: /^(?:(?:EPERM|ECONNREFUSED|ENETUNREACH|EADDRNOTAVAIL|EHOSTUNREACH|EINVAL)(?: ×\d+)?(?:, |$))+$/,
    run: ({ tool: { address } }) => {
      const hex = address
        .split('.')
        .map((part) => Number(part).toString(16).padStart(2, '0'))
        .join('')
        .replace(/^(.{4})/, '$1:');
      const hosts = [`::ffff:${address}`, `64:ff9b::${hex}`, `2002:${hex}::1`, `::${hex}`];
      return together(hosts.map((host) => tcp(host, 8080)));
    },
  },
  {
    name: 'IPv6 to ports 80 and 443',
    why: 'redirected like IPv4, to a gateway that finds the address by itself',
    ends: /^(?:(?:40\d AEGIS_\w+ \[\S+\]|404 \S+ \[\S+\]|EPERM|ENETUNREACH|EADDRNOTAVAIL|ECONNREFUSED|ECONNRESET|closed|silence|nothing)(?: ×\d+)?(?:, |$))+$/,
    run: async ({ ipv6, elsewhere }) => {
      if (ipv6.length === 0) return 'nothing';
      const asked = ipv6.flatMap((host) => [
        ask({ host, port: 80 }, get(undecided('ipv6'), elsewhere)),
        ask({ host, port: 443, serverName: 'nobody.example.com' }, get(undecided('ipv6'), 'nobody.example.com')),
      ]);
      return (await together(asked)).replaceAll(/\[[^\]]+\]/g, '[id]');
    },
  },
];
