import { waitFor } from '../../test/apiserver/wait-for.ts';
import type { AgentPod } from './agent.ts';

/** Until the container runs and was restarted so often, as the API server knows. */
export async function restarts(agent: AgentPod, container: string, times: number): Promise<void> {
  const so = async () => {
    const { status } = await agent.pod();
    const all = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
    const { restartCount, state } = all.find(({ name }) => name === container) ?? {};
    return restartCount === times && state?.running !== undefined;
  };
  await waitFor(so, 120_000, `${container} of ${agent.name} was not restarted`);
}
