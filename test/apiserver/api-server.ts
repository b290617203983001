/**
 * A real control plane for tests: etcd and kube-apiserver as processes of their own on free loopback ports, with
 * everything in one scratch folder. Up in a few seconds; no root. Whoever starts one stops it; what is left when the
 * test process ends, however it ends, is killed by pid, and the folder is removed.
 */
import { fileURLToPath } from 'node:url';
import type { GoTool } from '../../scripts/tool-versions.ts';
import { ControlPlane, type ControlPlaneOptions } from './control-plane.ts';
import { kubectl, kubectlSync } from './kubectl.ts';
import {
  makeNamespace,
  makePod,
  type Pod,
  type PodOptions,
  type PodPhase,
  removePod,
  requestToken,
  setPodPhase,
  type TokenOptions,
} from './objects.ts';
import { installed } from './processes.ts';

export { freePort } from './ports.ts';
export { eventually, waitFor } from './wait-for.ts';

const CRDS = fileURLToPath(new URL('../../crds', import.meta.url));

export interface ApiServerOptions extends ControlPlaneOptions {
  /** Apply `crds/` before returning; true when absent. */
  crds?: boolean;
}

export class ApiServer extends ControlPlane {
  static async start(options: ApiServerOptions = {}): Promise<ApiServer> {
    const tools: GoTool[] = ['etcd', 'kube-apiserver', 'kubectl'];
    if (options.controllerManager) tools.push('kube-controller-manager');
    for (const tool of tools) installed(tool);
    const server = new ApiServer(options);
    try {
      await server.startAll();
      if (options.crds !== false) await server.applyCrds();
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  async applyCrds(): Promise<void> {
    await this.runKubectl(['apply', '--server-side', '-f', CRDS]);
    await this.runKubectl(['wait', '--for=condition=Established', '--timeout=30s', 'crd', '--all']);
  }

  /** Output of kubectl as administrator; this process does nothing else meanwhile. @throws with its standard error */
  kubectl(args: readonly string[], input?: string): string {
    return kubectlSync(args, this.#run(input));
  }

  /** The same without blocking: for whatever passes through a proxy or a webhook that lives in this process. */
  runKubectl(args: readonly string[], input?: string, kubeconfig = this.kubeconfig): Promise<string> {
    return kubectl(args, { ...this.#run(input), kubeconfig });
  }

  #run(input: string | undefined) {
    return { kubeconfig: this.kubeconfig, home: this.folder, ...(input !== undefined && { input }) };
  }

  /** Server-side apply of all documents; a new namespace may come before its contents. Rejects with what is wrong. */
  applyYaml(text: string, options: { fieldManager?: string; force?: boolean } = {}): Promise<string> {
    const { fieldManager = 'kubectl', force = false } = options;
    const flags = [`--field-manager=${fieldManager}`, `--force-conflicts=${force}`];
    return this.runKubectl(['apply', '--server-side', ...flags, '-f', '-'], text);
  }

  /** A namespace of the test's own. @returns its name */
  namespace(prefix = 'test', labels: Record<string, string> = {}): Promise<string> {
    return makeNamespace(this, prefix, labels);
  }

  createPod(options: PodOptions): Promise<Pod> {
    return makePod(this, options);
  }

  setPodPhase(pod: { namespace: string; name: string }, phase: PodPhase): Promise<Pod> {
    return setPodPhase(this, pod, phase);
  }

  deletePod(pod: { namespace: string; name: string }): Promise<void> {
    return removePod(this, pod);
  }

  /** A token as a pod gets it by projection; the ServiceAccount is made where it is absent. */
  serviceAccountToken(options: TokenOptions): Promise<string> {
    return requestToken(this, options);
  }
}
