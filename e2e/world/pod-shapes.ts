import { IMAGES } from '../images/images.ts';
import { HARDENED, podSpec } from './agent.ts';
import { ACCOUNT, AGENT_LABEL, type OrdersTenant } from './orders-tenant.ts';
import { probeContainer, probeOnce, probePod, probeTemplate } from './probe.ts';

/** A pod with all that a guard and a gateway have to get along with. */
export function shapedPod(of: OrdersTenant, agent: string): object {
  const app = {
    image: IMAGES.workload,
    imagePullPolicy: 'Never',
    securityContext: { ...HARDENED, runAsUser: undefined },
  };
  return probePod({
    namespace: of.namespace,
    name: 'shaped',
    agent,
    container: { securityContext: { ...app.securityContext, readOnlyRootFilesystem: true } },
    spec: {
      automountServiceAccountToken: true,
      securityContext: { runAsUser: 20_001, runAsGroup: 20_002, fsGroup: 20_003, supplementalGroups: [20_004] },
      initContainers: [{ ...app, name: 'first', ...probeOnce(of.orders('init')) }],
      containers: [
        {
          ...app,
          name: 'agent',
          ...probeContainer(),
          securityContext: { ...app.securityContext, readOnlyRootFilesystem: true },
        },
        { ...app, name: 'second', ...probeContainer(8091) },
      ],
    },
  });
}

function jobSpec(of: OrdersTenant, agent: string, mark: string): object {
  const template = podSpec({
    serviceAccountName: ACCOUNT,
    container: probeOnce(of.orders(mark)),
    spec: { restartPolicy: 'Never' },
  });
  const labels = { [AGENT_LABEL]: agent };
  return { backoffLimit: 0, template: { metadata: { labels }, spec: template } };
}

/** A Job, a CronJob that does not start by itself, and a StatefulSet. */
export function workloads(of: OrdersTenant, agent: string): object[] {
  const { namespace } = of;
  const set = probeTemplate({ namespace, name: 'set', agent, labels: { app: 'set' } });
  return [
    { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'job', namespace }, spec: jobSpec(of, agent, 'job') },
    {
      apiVersion: 'batch/v1',
      kind: 'CronJob',
      metadata: { name: 'cron', namespace },
      spec: { schedule: '0 0 1 1 *', suspend: true, jobTemplate: { spec: jobSpec(of, agent, 'cron') } },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { name: 'set', namespace },
      spec: { serviceName: 'set', replicas: 1, selector: { matchLabels: { app: 'set' } }, template: set },
    },
  ];
}
