import { mkdirSync, mkdtempSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { toolEnvironment, toolFolder, toolPath } from '../../scripts/tool-path.ts';
import { freePort } from '../../test/apiserver/ports.ts';
import { installed, Processes } from '../../test/apiserver/processes.ts';
import { waitFor } from '../../test/apiserver/wait-for.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { NAMESPACE, writeArgoObjects } from './argo-objects.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CRDS = ['applications', 'applicationsets', 'appprojects'].map((name) => `crd/${name}.argoproj.io`);

export interface ApplicationOptions {
  repoUrl: string;
  /** Folder in the repository. */
  path: string;
  /** Where what names no namespace goes. */
  namespace?: string;
  /** Sync, prune and repair by itself; true when absent. */
  automated?: boolean;
  /** Further fields of the Application's spec. */
  spec?: Record<string, unknown>;
}

export interface ApplicationStatus {
  sync: string;
  health: string;
  /** The commit that was compared. */
  revision: string | undefined;
  phase: string | undefined;
  message: string | undefined;
  resources: { kind: string; name: string; status?: string; health?: { status: string; message?: string } }[];
  conditions: { type: string; message: string }[];
}

interface Application {
  status?: {
    sync?: { status?: string; revision?: string };
    health?: { status?: string };
    operationState?: { phase?: string; message?: string };
    resources?: ApplicationStatus['resources'];
    conditions?: ApplicationStatus['conditions'];
  };
}

/** Argo CD without its user interface: repo-server, application-controller and Redis, as processes beside the cluster. */
export class Argo {
  readonly #cluster: Cluster;
  readonly #folder: string;
  readonly #processes: Processes;
  #server = '';

  private constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.#folder = realpathSync(mkdtempSync(join(tmpdir(), 'aegis-argocd-')));
    this.#processes = new Processes(this.#folder);
  }

  static async start(cluster: Cluster): Promise<Argo> {
    const argo = new Argo(cluster);
    try {
      await argo.#start();
      return argo;
    } catch (error) {
      await argo.stop();
      throw error;
    }
  }

  async #start(): Promise<void> {
    await this.#cluster.kubectl([
      'apply',
      '--server-side',
      '--force-conflicts',
      '-k',
      join(toolFolder('argocd'), 'crds'),
    ]);
    // a CRD that was just made has no conditions yet, which is an error to kubectl
    const wait = ['wait', '--for=condition=Established', '--timeout=10s', ...CRDS];
    await waitFor(async () => (await this.#cluster.run(wait)).code === 0, 60_000, 'the CRDs of Argo CD are not there');
    await this.#cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } });
    this.#server = await writeArgoObjects(this.#cluster);
    // the health of our kinds, as its own comment says to
    const health = ['--server-side', '--field-manager=aegis-health', '-f', join(ROOT, 'config/argocd/argocd-cm.yaml')];
    await this.#cluster.kubectl(['-n', NAMESPACE, 'apply', ...health]);
    await this.#startProcesses();
  }

  async #startProcesses(): Promise<void> {
    const bin = join(this.#folder, 'bin');
    for (const name of ['bin', 'tls', 'ssh', 'gpg', 'plugins', 'tmp']) mkdirSync(join(this.#folder, name));
    for (const name of ['argocd-repo-server', 'argocd-application-controller']) {
      symlinkSync(installed('argocd'), join(bin, name));
    }
    symlinkSync(installed('helm'), join(bin, 'helm'));
    writeFileSync(join(bin, 'kustomize'), KUSTOMIZE, { mode: 0o755 });
    const env = {
      PATH: `${bin}:/usr/local/bin:/usr/bin:/bin`,
      HOME: this.#folder,
      TMPDIR: join(this.#folder, 'tmp'),
      E2E_KUBECTL: installed('kubectl'),
      ARGOCD_GPG_ENABLED: 'false',
      ARGOCD_GNUPGHOME: join(this.#folder, 'gpg'),
      ARGOCD_TLS_DATA_PATH: join(this.#folder, 'tls'),
      ARGOCD_SSH_DATA_PATH: join(this.#folder, 'ssh'),
    };
    const [redis, repo, repoMetrics, metrics] = [
      await freePort(),
      await freePort(),
      await freePort(),
      await freePort(),
    ];
    const store = ['--save', '', '--appendonly', 'no', '--bind', '127.0.0.1', '--port', String(redis)];
    this.#processes.spawn('redis', store, {
      command: toolPath('redis-server'),
      env: { PATH: process.env.PATH, ...toolEnvironment('redis-server') },
    });
    await this.#processes.whenReady('redis', () => listens(redis));
    const common = [`--redis=127.0.0.1:${redis}`, '--loglevel=info', '--logformat=text'];
    const repoFlags = ['--disable-tls', '--address=127.0.0.1', `--port=${repo}`, `--metrics-port=${repoMetrics}`];
    const repoServer = join(bin, 'argocd-repo-server');
    this.#processes.spawn('argocd-repo-server', [...common, ...repoFlags, '--metrics-address=127.0.0.1'], {
      command: repoServer,
      env,
    });
    await this.#processes.whenReady('argocd-repo-server', () => listens(repo));
    const controllerFlags = [
      `--kubeconfig=${this.#cluster.kubeconfig}`,
      `--namespace=${NAMESPACE}`,
      `--repo-server=127.0.0.1:${repo}`,
      '--repo-server-plaintext',
      `--metrics-port=${metrics}`,
      '--app-resync=10',
      '--status-processors=4',
      '--operation-processors=4',
    ];
    this.#processes.spawn('argocd-application-controller', [...common, ...controllerFlags], {
      command: join(bin, 'argocd-application-controller'),
      env,
    });
    await this.#processes.whenReady('argocd-application-controller', () => listens(metrics));
  }

  /** Makes or changes an Application, which syncs by itself. */
  async application(name: string, options: ApplicationOptions): Promise<void> {
    const { repoUrl, path, namespace = 'default', automated = true, spec = {} } = options;
    const policy = {
      automated: { prune: true, selfHeal: true },
      syncOptions: ['ServerSideApply=true', 'CreateNamespace=true'],
    };
    const application = {
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Application',
      metadata: {
        name,
        finalizers: ['resources-finalizer.argocd.argoproj.io'],
        // as docs/gitops.md says: what the API server fills in inside of lists is no difference, and an edit is one
        annotations: { 'argocd.argoproj.io/compare-options': 'ServerSideDiff=true,IncludeMutationWebhook=true' },
      },
      spec: {
        project: 'default',
        source: { repoURL: repoUrl, path, targetRevision: 'main' },
        destination: { server: this.#server, namespace },
        ...(automated && { syncPolicy: policy }),
        ...spec,
      },
    };
    await this.#cluster.apply(application, { namespace: NAMESPACE, force: true });
  }

  /** What a webhook of the Git server would do: look now. */
  async refresh(name: string, kind: 'normal' | 'hard' = 'normal'): Promise<void> {
    const annotation = `argocd.argoproj.io/refresh=${kind}`;
    await this.#cluster.kubectl(['-n', NAMESPACE, 'annotate', '--overwrite', `application/${name}`, annotation]);
  }

  async status(name: string): Promise<ApplicationStatus> {
    const { status = {} } = await this.#cluster.json<Application>(['-n', NAMESPACE, 'get', `application/${name}`]);
    return {
      sync: status.sync?.status ?? 'Unknown',
      health: status.health?.status ?? 'Unknown',
      revision: status.sync?.revision,
      phase: status.operationState?.phase,
      message: status.operationState?.message,
      resources: status.resources ?? [],
      conditions: status.conditions ?? [],
    };
  }

  /** Until it is synced with the commit and healthy. @throws with its last state */
  async untilSynced(name: string, commit: string, ms = 120_000, health = 'Healthy'): Promise<ApplicationStatus> {
    let last: ApplicationStatus | undefined;
    let asked = 0;
    const reached = async () => {
      // a refresh that falls into a running comparison is not asked for again by anybody
      if (Date.now() - asked > 5_000) {
        await this.refresh(name);
        asked = Date.now();
      }
      last = await this.status(name);
      return last.sync === 'Synced' && last.revision === commit && last.health === health && last;
    };
    return waitFor(
      reached,
      ms,
      () => `the Application ${name} is not there: ${JSON.stringify(last, null, 1)}\n${this.lastLines()}`,
    );
  }

  /** Removes the Application and what it has applied. */
  async removeApplication(name: string): Promise<void> {
    await this.#cluster.kubectl([
      '-n',
      NAMESPACE,
      'delete',
      `application/${name}`,
      '--ignore-not-found',
      '--timeout=90s',
    ]);
  }

  lastLines(): string {
    const names = ['argocd-repo-server', 'argocd-application-controller'];
    return names.map((name) => `${name}:\n${this.#processes.lastLines(name)}`).join('\n');
  }

  async stop(): Promise<void> {
    await this.#processes.stop();
  }
}

/** Argo CD calls kustomize by name; kubectl carries the same code. */
const KUSTOMIZE = `#!/bin/sh
case $1 in
  version) echo v5.7.1 ;;
  build) shift; exec "$E2E_KUBECTL" kustomize "$@" ;;
  *) echo "kustomize $1 is not here" >&2; exit 1 ;;
esac
`;

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
