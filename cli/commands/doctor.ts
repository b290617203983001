import { Command } from 'commander';
import { KubeError } from '../../operator/kube/kube-error.ts';
import type { KubeClient } from '../../operator/kube/types.ts';
import { AegisError } from '../../policy/errors.ts';
import type { CommandFactory } from '../command.ts';
import { type Diagnosis, findingsOf, unknownsOf } from '../doctor/check.ts';
import { diagnoseCluster } from '../doctor/diagnose-cluster.ts';
import { diagnosePod } from '../doctor/diagnose-pod.ts';
import { readCluster, readPod } from '../doctor/read-snapshot.ts';
import { doctorText } from '../output/doctor-text.ts';
import { VERSION } from '../version.ts';

interface Options {
  kubeconfig?: string;
  namespace?: string;
  operatorNamespace: string;
  output: string;
}

export interface Cluster {
  client: KubeClient;
  /** Where whoever asks works, unless he says otherwise. */
  namespace(): Promise<string>;
}

export type OpenCluster = (kubeconfig: string | undefined) => Promise<Cluster>;

/** Loaded on demand: most commands speak to no cluster. */
const openCluster: OpenCluster = async (kubeconfig) => {
  const [{ createKubeClient }, { currentNamespace }] = await Promise.all([
    import('../../operator/kube/client.ts'),
    import('../../operator/kube/current-namespace.ts'),
  ]);
  const client = createKubeClient({ userAgent: `aegis/${VERSION}`, ...(kubeconfig !== undefined && { kubeconfig }) });
  return { client, namespace: () => currentNamespace(kubeconfig) };
};

/** `aegis doctor`, over any connection to a cluster. */
export function doctorCommandWith(open: OpenCluster): CommandFactory {
  return (context, done) =>
    new Command('doctor')
      .description('Says why a pod is not protected or its calls are refused; without a pod, what is not protected.')
      .argument('[pod]', 'name of the pod; without it, the installation and every namespace with agents')
      .option('--kubeconfig <file>', 'how to reach the cluster; as kubectl does when absent')
      .option('-n, --namespace <name>', "the pod's namespace; that of the current context when absent")
      .option('--operator-namespace <name>', 'where the operator runs', 'aegis-system')
      .option('--output <format>', 'text or json', 'text')
      .addHelpText('after', '\nExample:\n  aegis doctor finance-agent-7c9d8b6f5-x2x4k -n fintech\n')
      .action(async (pod: string | undefined, options: Options) => {
        checkOptions(pod, options);
        const name = pod?.replace(/^pods?\//, '');
        const cluster = await open(options.kubeconfig);
        try {
          const diagnosis = await diagnose(cluster, name, options);
          const [findings, unknowns] = [findingsOf(diagnosis), unknownsOf(diagnosis)];
          const text = () => doctorText(diagnosis, { colour: context.isTerminal, brief: name === undefined });
          const json = () => `${JSON.stringify({ ...diagnosis, findings, unknowns })}\n`;
          context.stdout(options.output === 'json' ? json() : text());
          // what could not be read is no proof that it is fine
          done(findings + unknowns === 0 ? 0 : 1);
        } catch (error) {
          if (!(error instanceof KubeError)) throw error;
          throw new AegisError('AEGIS_CLUSTER', `the API server: ${error.message}`, { cause: error });
        } finally {
          await cluster.client.close();
        }
      });
}

export const doctorCommand: CommandFactory = doctorCommandWith(openCluster);

async function diagnose(cluster: Cluster, pod: string | undefined, options: Options): Promise<Diagnosis> {
  const { client } = cluster;
  const read = { client, operatorNamespace: options.operatorNamespace };
  const own = options.namespace ?? (await cluster.namespace());
  if (pod === undefined) return diagnoseCluster(await readCluster(read, { only: options.namespace, own }));
  return diagnosePod(await readPod(read, own, pod));
}

function checkOptions(pod: string | undefined, { namespace, operatorNamespace, output }: Options): void {
  if (output !== 'text' && output !== 'json') throw new AegisError('AEGIS_USAGE', '--output is text or json.');
  const named = pod?.replace(/^pods?\//, '');
  if (named !== undefined && !/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/.test(named)) {
    throw new AegisError('AEGIS_USAGE', `"${named}" is no name of a pod; say the namespace with -n.`);
  }
  for (const [option, value] of [
    ['-n', namespace],
    ['--operator-namespace', operatorNamespace],
  ]) {
    if (value !== undefined && !/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(value)) {
      throw new AegisError('AEGIS_USAGE', `${option} takes the name of a namespace.`);
    }
  }
}
