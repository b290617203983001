import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { TestAuthority } from '../../test/apiserver/loopback-certificate.ts';
import { waitFor } from '../../test/apiserver/wait-for.ts';
import type { Cluster } from '../cluster/cluster.ts';

/** Label of a pod: what the other injector makes of it. */
export const OTHER_LABEL = 'example.com/other-injector';

interface Container {
  name: string;
  env?: { name: string; value?: string }[];
  [field: string]: unknown;
}
interface PodSpec {
  containers: Container[];
  initContainers?: Container[];
}

/** @returns what the spec becomes; of what is there already nothing changes */
type Change = (spec: PodSpec) => PodSpec;

interface InjectorOptions {
  /** Of the configuration: the API server asks in the order of the names. */
  name: string;
  /** Pods that have it as value of `OTHER_LABEL`. */
  pods: string;
  change: Change;
  /** Asked once more when somebody else has changed the pod after it. */
  again?: boolean;
}

/** Mutating webhooks of somebody else, who knows nothing of Aegis, on the node's address. */
export class OtherInjectors {
  readonly #cluster: Cluster;
  readonly #server: Server;
  readonly #authority: TestAuthority;
  readonly #changes = new Map<string, Change>();
  /** By the names of the configurations. */
  readonly #asked = new Set<string>();
  readonly #suffix: string;

  private constructor(cluster: Cluster, suffix: string) {
    this.#cluster = cluster;
    this.#suffix = suffix;
    this.#authority = new TestAuthority();
    this.#server = createServer(this.#authority.leaf(cluster.hostAddress), async (request, response) => {
      const { request: asked } = (await json(request)) as { request: { uid: string; object: { spec: PodSpec } } };
      const name = request.url?.split('?')[0]?.slice(1) ?? '';
      const spec = this.#changes.get(name)?.(asked.object.spec);
      this.#asked.add(name);
      const patch = Buffer.from(JSON.stringify([{ op: 'replace', path: '/spec', value: spec }])).toString('base64');
      const answer = { uid: asked.uid, allowed: true, ...(spec && { patchType: 'JSONPatch', patch }) };
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: answer }));
    });
  }

  /** @param namespace the only one whose pods they are asked about */
  static async start(
    cluster: Cluster,
    namespace: string,
    injectors: readonly InjectorOptions[],
  ): Promise<OtherInjectors> {
    const injector = new OtherInjectors(cluster, namespace);
    const { hostAddress } = cluster;
    await new Promise<void>((resolve, reject) => {
      injector.#server.once('error', reject).listen(0, hostAddress, () => resolve());
    });
    for (const options of injectors) await injector.#configure(options, namespace);
    for (const options of injectors) await injector.#untilAsked(options, namespace);
    return injector;
  }

  /** The API server has seen the configuration. */
  async #untilAsked({ name, pods }: InjectorOptions, namespace: string): Promise<void> {
    const pod = JSON.stringify({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'dry-run', labels: { [OTHER_LABEL]: pods } },
      spec: { containers: [{ name: 'none', image: 'none' }] },
    });
    const asked = async () => {
      await this.#cluster.run(['create', '-n', namespace, '--dry-run=server', '-f', '-'], pod);
      return this.#asked.has(name);
    };
    await waitFor(asked, 30_000, `the webhook ${name} is not asked`);
  }

  async #configure({ name, pods, change, again = false }: InjectorOptions, namespace: string): Promise<void> {
    this.#changes.set(name, change);
    const { port } = this.#server.address() as AddressInfo;
    const url = `https://${this.#cluster.hostAddress}:${port}/${name}`;
    await this.#cluster.apply({
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'MutatingWebhookConfiguration',
      metadata: { name: `${name}-${this.#suffix}`, labels: { [OTHER_LABEL]: this.#suffix } },
      webhooks: [
        {
          name: `${name}.injector.example.com`,
          admissionReviewVersions: ['v1'],
          clientConfig: { url, caBundle: Buffer.from(this.#authority.ca).toString('base64') },
          rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
          objectSelector: { matchLabels: { [OTHER_LABEL]: pods } },
          failurePolicy: 'Fail',
          reinvocationPolicy: again ? 'IfNeeded' : 'Never',
          sideEffects: 'None',
          timeoutSeconds: 5,
        },
      ],
    });
  }

  async stop(): Promise<void> {
    const all = ['mutatingwebhookconfigurations', '-l', `${OTHER_LABEL}=${this.#suffix}`];
    await this.#cluster.kubectl(['delete', ...all]);
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

/** Puts an init container in front of all others, as some insist on, and a container at the end. */
export function beside(init: Container, sidecar: Container): Change {
  return ({ containers, initContainers = [], ...spec }) => ({
    ...spec,
    initContainers: [init, ...initContainers.filter(({ name }) => name !== init.name)],
    containers: [...containers.filter(({ name }) => name !== sidecar.name), sidecar],
  });
}

/** Gives a container of ours another environment. */
export function meddling(container: string, variable: string, value: string): Change {
  return ({ initContainers = [], ...spec }) => ({
    ...spec,
    initContainers: initContainers.map((each) =>
      each.name === container
        ? {
            ...each,
            env: each.env?.map((entry) => (entry.name === variable ? { name: variable, value } : entry)) ?? [],
          }
        : each,
    ),
  });
}
