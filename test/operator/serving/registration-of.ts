/** An AgentRegistration as short as it may be. */
export function registrationOf(namespace: string, name: string, app: string, serviceAccountName = name) {
  return {
    apiVersion: 'aegis.dev/v1alpha1',
    kind: 'AgentRegistration',
    metadata: { namespace, name },
    spec: { owner: 'a@example.com', workload: { selector: { matchLabels: { app } }, serviceAccountName } },
  };
}
