/** Whether the operator is there, and whether the API server would ask it about a new pod. */
import { type Check, failed, ok, unknown } from './check.ts';
import type { Installation, Read, WebhookConfiguration } from './snapshot.ts';

export const INJECTION_CONFIGURATION = 'aegis-injection';
export const CHECK_CONFIGURATION = 'aegis-pods';

export function installationChecks(installation: Installation): Check[] {
  return [
    kindsCheck(installation),
    operatorCheck(installation),
    webhookCheck('injection webhook', INJECTION_CONFIGURATION, installation.injection),
    webhookCheck('final check webhook', CHECK_CONFIGURATION, installation.check),
  ];
}

function kindsCheck({ kindsKnown }: Installation): Check {
  const title = 'resources are known';
  if (kindsKnown) return ok(title);
  const why = 'The API server does not know the kinds of aegis.dev: no agent can be registered.';
  return failed(title, 'KindsMissing', why, 'kubectl apply --server-side -f crds/');
}

function operatorCheck({ namespace, deployments }: Installation): Check {
  const title = 'operator is ready';
  if (!deployments.ok) return unknown(title, deployments.why);
  const [first] = deployments.value;
  if (first === undefined) {
    const why = `There is no Deployment of the operator in namespace ${namespace}.`;
    return failed(title, 'OperatorMissing', why, `aegis doctor --operator-namespace NAME, where it is elsewhere`);
  }
  const { metadata, spec, status } = first;
  const [ready, wanted] = [status?.readyReplicas ?? 0, spec?.replicas ?? 1];
  const detail = `${ready} of ${wanted} replicas`;
  if (ready > 0) return ok(title, detail);
  const why = `${detail} are ready: no new pod of an agent is started, and those that run go on with what they have.`;
  return failed(title, 'OperatorNotReady', why, `kubectl logs deployment/${metadata.name} -n ${namespace} --all-pods`);
}

function webhookCheck(title: string, name: string, read: Read<WebhookConfiguration | undefined>): Check {
  if (!read.ok) return unknown(title, read.why);
  const again = 'install the chart or config/operator again';
  if (read.value === undefined) {
    const why = `There is no webhook configuration ${name}: the API server does not ask the operator about pods.`;
    return failed(title, 'WebhookMissing', why, again);
  }
  const webhooks = read.value.webhooks ?? [];
  if (webhooks.length === 0) {
    return failed(title, 'WebhookMissing', `The webhook configuration ${name} has no webhook.`, again);
  }
  if (webhooks.some(({ failurePolicy }) => failurePolicy !== 'Fail')) {
    const why = `failurePolicy of ${name} is not Fail: while the operator is away, pods start without a gateway.`;
    return failed(title, 'WebhookIgnoresFailure', why, again);
  }
  if (webhooks.some(({ clientConfig }) => (clientConfig?.caBundle ?? '') === '')) {
    const why = `${name} has no caBundle: the API server cannot call the operator, and no pod of a labelled namespace starts.`;
    const next =
      'look at the log of the operator that leads: it writes caBundle (with cert-manager, the injector does)';
    return failed(title, 'WebhookWithoutCa', why, next);
  }
  return ok(title, 'failurePolicy Fail, caBundle present');
}
