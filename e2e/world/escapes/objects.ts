import { HARDENED } from '../agent.ts';

const API = 'aegis.dev/v1alpha1';

export const TOOL_ID = 'payments';
export const AGENT = 'escaper';
/** Only the gateway has it: what arrives without it did not come from the gateway. */
export const CREDENTIAL = 'sk_of_the_gateway_1f7c';

export interface Hosts {
  tool: string;
  allowed: string;
}

/** An agent that may read one payment, and reach one host besides. @param ca of the tool */
export function guardedAgent(namespace: string, hosts: Hosts, ca: string): object[] {
  const named = (name: string) => ({ name, namespace });
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: named(AGENT) },
    { apiVersion: 'v1', kind: 'Secret', metadata: named('payments-key'), stringData: { token: CREDENTIAL } },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: named('payments-ca'), data: { 'ca.crt': ca } },
    {
      apiVersion: API,
      kind: 'AgentTool',
      metadata: named(TOOL_ID),
      spec: {
        protocol: 'HTTP',
        upstream: {
          url: `https://${hosts.tool}`,
          tls: { caRef: { name: 'payments-ca' } },
          credentialRef: { name: 'payments-key' },
        },
        riskTier: 'high',
        actions: [
          {
            name: 'get_payment',
            effect: 'read',
            match: { method: 'GET', path: '/v1/payment_intents/{id}' },
            parameters: { id: { in: 'path', type: 'string' } },
          },
        ],
      },
    },
    {
      apiVersion: API,
      kind: 'AgentRegistration',
      metadata: named(AGENT),
      spec: {
        owner: 'payments@example.com',
        workload: { selector: { matchLabels: { app: AGENT } }, serviceAccountName: AGENT },
        tools: [{ toolId: TOOL_ID }],
        egressGuard: 'Enforce',
        egress: { allow: [{ host: hosts.allowed }] },
      },
    },
    {
      apiVersion: API,
      kind: 'AgentPolicy',
      metadata: named('one-payment'),
      spec: {
        scope: { agents: [AGENT], tools: [TOOL_ID] },
        rules: [
          {
            name: 'the-one',
            actions: ['get_payment'],
            conditions: { params: { id: { enum: ['pi_decided'] } } },
          },
        ],
        rollout: { profile: 'immediate' },
      },
    },
  ];
}

/** A pod of no agent that carries on to the tool whatever comes, and its Service. */
export function relay(namespace: string, target: string, image: string): object[] {
  const labels = { app: 'relay' };
  const program = `
const net = require('net'), dgram = require('dgram');
net.createServer((socket) => socket.destroy()).listen(9090);
for (const port of [80, 8080, 8443, 15001, 15020]) {
  net.createServer((from) => {
    const to = net.connect(8080, '${target}');
    for (const socket of [from, to]) socket.on('error', () => { from.destroy(); to.destroy(); });
    from.pipe(to); to.pipe(from);
  }).listen(port);
}
// answers go nowhere: nothing goes round
dgram.createSocket('udp4').on('message', (data) => {
  const out = dgram.createSocket('udp4');
  out.send(data, 9999, '${target}', () => out.close());
}).bind(9999);`;
  return [
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'relay', namespace, labels },
      spec: {
        terminationGracePeriodSeconds: 1,
        securityContext: { sysctls: [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '0' }] },
        containers: [
          {
            name: 'relay',
            image,
            imagePullPolicy: 'Never',
            command: ['node', '-e', program],
            readinessProbe: { tcpSocket: { port: 9090 }, periodSeconds: 1 },
            securityContext: HARDENED,
          },
        ],
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'relay', namespace },
      spec: { selector: labels, ports: [80, 8080].map((port) => ({ name: `p${port}`, port, targetPort: port })) },
    },
  ];
}
